; Stands in for the program where the installer is tried: writes down with which arguments it was started.

Unicode true
SilentInstall silent
RequestExecutionLevel user
Name "stand-in"
OutFile "${TARGET}"
!ifdef STUB_64
    Target amd64-unicode
!endif

!include FileFunc.nsh

Section
    ${GetParameters} $R0
    FileOpen $0 "$LOCALAPPDATA\told.txt" a
    FileSeek $0 0 END
    FileWrite $0 "$EXEFILE $R0$\r$\n"
    FileClose $0
    ; A window that stays open, until the file goes.
    ${GetOptions} $R0 "--stay" $R1
    IfErrors done
    FileOpen $0 "$LOCALAPPDATA\open.txt" w
    FileClose $0
    wait:
        Sleep 100
        IfFileExists "$LOCALAPPDATA\open.txt" wait
    done:
    ClearErrors
SectionEnd
