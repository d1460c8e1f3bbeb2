; The installer for Windows: for one person, without administrator rights.
;
;   makensis -DVERSION=1.2.3 -DNUMERIC_VERSION=1.2.3.0 -DEDITION=full -DPAYLOAD=folder -DICON=tether.ico -DTARGET=tether-setup.exe packaging/windows/tether.nsi
;
; PAYLOAD is the folder of an edition. SIGN, where it is given, is a command that signs the file whose name it gets in place
; of %1. packaging/package_windows.py gives all of this.
;
; Switches of the installer:
;   /S                no windows, no questions; 0 is success, 1 a refusal that changed nothing
;   /D=C:\folder      where to; the last switch, without quotes
;   /PORTABLE         keep all data in the program's folder, and leave menu, file types and PATH alone
;   /NOPATH           leave PATH alone
; Switches of the uninstaller:
;   /S                as above; data stays
;   /DATA             erase conversations, models, settings and keys too

Unicode true
; A stub of 64 bits, which not every NSIS brings; one of 32 bits runs everywhere too.
!ifdef STUB_64
    Target amd64-unicode
!endif
ManifestDPIAware true
ManifestSupportedOS all
SetCompressor /SOLID lzma
RequestExecutionLevel user

!include MUI2.nsh
!include FileFunc.nsh
!include LogicLib.nsh
!include WinVer.nsh
!include x64.nsh
!include Sections.nsh

!define NAME "Tether"
!define APP_ID "org.tetherdesktop.Tether"
!define UNINSTALLER "Uninstall Tether.exe"
!define UNINSTALL_KEY "Software\Microsoft\Windows\CurrentVersion\Uninstall\${APP_ID}"
!define CLASSES "Software\Classes"
!define PROG_ID "Tether.Model"

Name "${NAME}"
OutFile "${TARGET}"
InstallDir "$LOCALAPPDATA\Programs\${NAME}"
InstallDirRegKey HKCU "${UNINSTALL_KEY}" "InstallLocation"
BrandingText "${NAME} ${VERSION}, ${EDITION}"
VIProductVersion "${NUMERIC_VERSION}"
VIAddVersionKey "ProductName" "${NAME}"
VIAddVersionKey "ProductVersion" "${VERSION}"
VIAddVersionKey "FileVersion" "${VERSION}"
VIAddVersionKey "FileDescription" "Installs ${NAME}, a private assistant on your own computer"
VIAddVersionKey "LegalCopyright" "Apache License 2.0"

!ifdef SIGN
    !finalize '${SIGN}'
    !uninstfinalize '${SIGN}'
!endif

!define MUI_ICON "${ICON}"
!define MUI_UNICON "${ICON}"
!define MUI_ABORTWARNING
!define MUI_COMPONENTSPAGE_NODESC
!define MUI_FINISHPAGE_RUN "$INSTDIR\tether-window.exe"
!insertmacro MUI_PAGE_WELCOME
!insertmacro MUI_PAGE_LICENSE "${PAYLOAD}\_internal\LICENSE"
!insertmacro MUI_PAGE_DIRECTORY
!insertmacro MUI_PAGE_INSTFILES
!insertmacro MUI_PAGE_FINISH
!insertmacro MUI_UNPAGE_COMPONENTS
!insertmacro MUI_UNPAGE_INSTFILES
!insertmacro MUI_LANGUAGE "English"
!insertmacro MUI_LANGUAGE "German"

LangString NotThisWindows ${LANG_ENGLISH} "Tether needs Windows 10 of 2018 or later, 64 bits; on ARM, Windows 11, which runs programs for x64."
LangString NotThisWindows ${LANG_GERMAN} "Tether braucht Windows 10 von 2018 oder neuer, 64 Bit; auf ARM Windows 11, das Programme für x64 ausführt."
LangString StillOpen ${LANG_ENGLISH} "Tether is still open. Close its window, and quit it in the tray, then try again. Nothing was changed."
LangString StillOpen ${LANG_GERMAN} "Tether ist noch offen. Das Fenster schließen, im Infobereich beenden und noch einmal versuchen. Es wurde nichts geändert."
LangString SomethingElse ${LANG_ENGLISH} "$INSTDIR holds something else, and stays as it is. Choose another folder."
LangString SomethingElse ${LANG_GERMAN} "In $INSTDIR liegt etwas anderes; es bleibt, wie es ist. Bitte einen anderen Ordner wählen."
LangString NotUnpacked ${LANG_ENGLISH} "Not everything could be written to $INSTDIR. Make room on the disk, then try again. What was there before is unchanged."
LangString NotUnpacked ${LANG_GERMAN} "In $INSTDIR konnte nicht alles geschrieben werden. Auf der Platte Platz schaffen und noch einmal versuchen. Was vorher da war, ist unverändert."
LangString NotErased ${LANG_ENGLISH} "Your data could not be erased, so nothing was removed. Is Tether still open?"
LangString NotErased ${LANG_GERMAN} "Ihre Daten konnten nicht gelöscht werden, darum wurde nichts entfernt. Ist Tether noch offen?"
LangString TheProgram ${LANG_ENGLISH} "The program"
LangString TheProgram ${LANG_GERMAN} "Das Programm"
LangString TheData ${LANG_ENGLISH} "Also erase my conversations, models, settings and keys for good"
LangString TheData ${LANG_GERMAN} "Auch meine Gespräche, Modelle, Einstellungen und Schlüssel endgültig löschen"
LangString AModel ${LANG_ENGLISH} "Language model"
LangString AModel ${LANG_GERMAN} "Sprachmodell"
LangString OpenWith ${LANG_ENGLISH} "Open with Tether"
LangString OpenWith ${LANG_GERMAN} "Mit Tether öffnen"

Var Portable
Var ChangesPath

!macro Refuse MESSAGE
    MessageBox MB_OK|MB_ICONSTOP "${MESSAGE}" /SD IDOK
    SetErrorLevel 1
    Abort "${MESSAGE}"
!macroend

; A program that runs cannot be opened for writing.
!macro RefuseWhileOpen FOLDER
    ${If} ${FileExists} "${FOLDER}\tether-window.exe"
        ClearErrors
        FileOpen $0 "${FOLDER}\tether-window.exe" a
        ${If} ${Errors}
            !insertmacro Refuse "$(StillOpen)"
        ${EndIf}
        FileClose $0
        ClearErrors
        FileOpen $0 "${FOLDER}\tether.exe" a
        ${If} ${Errors}
            !insertmacro Refuse "$(StillOpen)"
        ${EndIf}
        FileClose $0
    ${EndIf}
!macroend

Function .onInit
    ${IfNot} ${AtLeastWin10}
    ${OrIfNot} ${AtLeastBuild} 17763
    ${OrIfNot} ${RunningX64}
        !insertmacro Refuse "$(NotThisWindows)"
    ${EndIf}
    ${If} ${IsNativeARM64}
    ${AndIfNot} ${AtLeastBuild} 22000
        !insertmacro Refuse "$(NotThisWindows)"
    ${EndIf}
    StrCpy $Portable 0
    StrCpy $ChangesPath 1
    ${GetParameters} $R0
    ClearErrors
    ${GetOptions} $R0 "/PORTABLE" $R1
    ${IfNot} ${Errors}
        StrCpy $Portable 1
    ${EndIf}
    ClearErrors
    ${GetOptions} $R0 "/NOPATH" $R1
    ${IfNot} ${Errors}
        StrCpy $ChangesPath 0
    ${EndIf}
    ClearErrors
FunctionEnd

; The new folder is whole before the old one goes; what was cut off in between is mended by the next try.
Section "-Program"
    ${If} ${FileExists} "$INSTDIR.old\*.*"
    ${AndIfNot} ${FileExists} "$INSTDIR\*.*"
        Rename "$INSTDIR.old" "$INSTDIR"
    ${EndIf}
    ${If} ${FileExists} "$INSTDIR\*.*"
    ${AndIfNot} ${FileExists} "$INSTDIR\tether.exe"
        ; An empty folder, as somebody may have made it to install into, goes without force.
        ClearErrors
        RMDir "$INSTDIR"
        ${If} ${Errors}
            !insertmacro Refuse "$(SomethingElse)"
        ${EndIf}
    ${EndIf}
    !insertmacro RefuseWhileOpen "$INSTDIR"
    RMDir /r "$INSTDIR.part"
    ClearErrors
    SetOutPath "$INSTDIR.part"
    SetOverwrite on
    File /r "${PAYLOAD}\*.*"
    WriteUninstaller "$INSTDIR.part\${UNINSTALLER}"
    ${If} ${Errors}
        SetOutPath "$TEMP"
        RMDir /r "$INSTDIR.part"
        !insertmacro Refuse "$(NotUnpacked)"
    ${EndIf}
    SetOutPath "$TEMP"
    RMDir /r "$INSTDIR.old"
    ClearErrors
    ${If} ${FileExists} "$INSTDIR\tether.exe"
        Rename "$INSTDIR" "$INSTDIR.old"
        ${If} ${Errors}
            RMDir /r "$INSTDIR.part"
            !insertmacro Refuse "$(StillOpen)"
        ${EndIf}
    ${EndIf}
    Rename "$INSTDIR.part" "$INSTDIR"
    ${If} ${Errors}
        Rename "$INSTDIR.old" "$INSTDIR"
        RMDir /r "$INSTDIR.part"
        !insertmacro Refuse "$(NotUnpacked)"
    ${EndIf}
    ; What belongs to the person, and what was added, goes along.
    Rename "$INSTDIR.old\data" "$INSTDIR\data"
    Rename "$INSTDIR.old\compiler" "$INSTDIR\compiler"
    Rename "$INSTDIR.old\portable" "$INSTDIR\portable"
    ${If} ${FileExists} "$INSTDIR\portable"
        StrCpy $Portable 1
    ${EndIf}
    ; A folder that could not go along stays where it is, rather than being lost.
    ${IfNot} ${FileExists} "$INSTDIR.old\data\*.*"
        RMDir /r "$INSTDIR.old"
    ${EndIf}
    SetOutPath "$INSTDIR"
SectionEnd

Section "-Integration"
    ${If} $Portable = 1
        ClearErrors
        FileOpen $0 "$INSTDIR\portable" a
        FileClose $0
        Return
    ${EndIf}
    CreateShortcut "$SMPROGRAMS\${NAME}.lnk" "$INSTDIR\tether-window.exe"
    WriteRegStr HKCU "Software\Microsoft\Windows\CurrentVersion\App Paths\tether.exe" "" "$INSTDIR\tether.exe"
    WriteRegStr HKCU "${CLASSES}\${PROG_ID}" "" "$(AModel)"
    WriteRegStr HKCU "${CLASSES}\${PROG_ID}\DefaultIcon" "" "$INSTDIR\tether-window.exe,0"
    WriteRegStr HKCU "${CLASSES}\${PROG_ID}\shell\open" "" "$(OpenWith)"
    WriteRegStr HKCU "${CLASSES}\${PROG_ID}\shell\open\command" "" '"$INSTDIR\tether-window.exe" "%1"'
    ; Offered among the programs that open such files; which one does so by itself is the person's choice.
    WriteRegNone HKCU "${CLASSES}\.gguf\OpenWithProgids" "${PROG_ID}"
    WriteRegStr HKCU "${CLASSES}\Applications\tether-window.exe" "FriendlyAppName" "${NAME}"
    WriteRegStr HKCU "${CLASSES}\Applications\tether-window.exe\SupportedTypes" ".gguf" ""
    WriteRegStr HKCU "${UNINSTALL_KEY}" "DisplayName" "${NAME}"
    WriteRegStr HKCU "${UNINSTALL_KEY}" "DisplayVersion" "${VERSION}"
    WriteRegStr HKCU "${UNINSTALL_KEY}" "DisplayIcon" "$INSTDIR\tether-window.exe"
    WriteRegStr HKCU "${UNINSTALL_KEY}" "Publisher" "Tether contributors"
    WriteRegStr HKCU "${UNINSTALL_KEY}" "InstallLocation" "$INSTDIR"
    WriteRegStr HKCU "${UNINSTALL_KEY}" "UninstallString" '"$INSTDIR\${UNINSTALLER}"'
    WriteRegStr HKCU "${UNINSTALL_KEY}" "QuietUninstallString" '"$INSTDIR\${UNINSTALLER}" /S'
    WriteRegDWORD HKCU "${UNINSTALL_KEY}" "NoModify" 1
    WriteRegDWORD HKCU "${UNINSTALL_KEY}" "NoRepair" 1
    ${GetSize} "$INSTDIR" "/S=0K" $0 $1 $2
    WriteRegDWORD HKCU "${UNINSTALL_KEY}" "EstimatedSize" $0
    ${If} $ChangesPath = 1
        nsExec::Exec '"$INSTDIR\tether.exe" desktop add'
        Pop $0
    ${EndIf}
    ${RefreshShellIcons}
SectionEnd

Section /o "un.$(TheData)" UnData
    nsExec::Exec '"$INSTDIR\tether.exe" uninstall --data --yes'
    Pop $0
    ${If} $0 != 0
        !insertmacro Refuse "$(NotErased)"
    ${EndIf}
SectionEnd

Section "un.$(TheProgram)" UnProgram
    SectionIn RO
    ${IfNot} ${FileExists} "$INSTDIR\tether.exe"
        !insertmacro Refuse "$(SomethingElse)"
    ${EndIf}
    ; What a portable copy finds in the registry belongs to another one.
    ReadRegStr $0 HKCU "${UNINSTALL_KEY}" "InstallLocation"
    ${If} $0 == $INSTDIR
        Call un.Integration
    ${EndIf}
    ; By name: whatever else a person has put here stays, and so do the data of a portable copy.
    RMDir /r "$INSTDIR\_internal"
    RMDir /r "$INSTDIR\compiler"
    Delete "$INSTDIR\tether.exe"
    Delete "$INSTDIR\tether-window.exe"
    Delete "$INSTDIR\${UNINSTALLER}"
    ${IfNot} ${FileExists} "$INSTDIR\data\*.*"
        Delete "$INSTDIR\portable"
    ${EndIf}
    RMDir "$INSTDIR"
SectionEnd

Function un.Integration
    nsExec::Exec '"$INSTDIR\tether.exe" desktop remove'
    Pop $0
    Delete "$SMPROGRAMS\${NAME}.lnk"
    DeleteRegKey HKCU "Software\Microsoft\Windows\CurrentVersion\App Paths\tether.exe"
    DeleteRegKey HKCU "${CLASSES}\${PROG_ID}"
    DeleteRegValue HKCU "${CLASSES}\.gguf\OpenWithProgids" "${PROG_ID}"
    DeleteRegKey /ifempty HKCU "${CLASSES}\.gguf\OpenWithProgids"
    DeleteRegKey /ifempty HKCU "${CLASSES}\.gguf"
    DeleteRegKey HKCU "${CLASSES}\Applications\tether-window.exe"
    DeleteRegKey HKCU "${UNINSTALL_KEY}"
    ${RefreshShellIcons}
FunctionEnd

Function un.onInit
    !insertmacro RefuseWhileOpen "$INSTDIR"
    ${GetParameters} $R0
    ClearErrors
    ${GetOptions} $R0 "/DATA" $R1
    ${IfNot} ${Errors}
        !insertmacro SelectSection ${UnData}
    ${EndIf}
    ClearErrors
FunctionEnd
