"""What goes into the frozen program besides what its imports lead to, and what stays out."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

Files = list[tuple[str, str]]
"""Source paths, and the folders in the bundle they go to."""

LEFT_OUT = [
    # The compiler is a package of its own.
    *("tvm", "ml_dtypes"),
    # Accelerates transfers that never go this way.
    "hf_xet",
    *("tkinter", "turtle", "turtledemo", "idlelib", "lib2to3", "ensurepip", "venv", "pydoc_data", "test"),
    # What a distribution adds to its own Python.
    *("sitecustomize", "usercustomize"),
    # What is for terminals, whose libraries are under the GPL, and for networks of old.
    *("readline", "curses", "_curses", "dbm.gnu", "dbm.ndbm", "_gdbm", "_dbm", "nis", "ossaudiodev", "crypt", "_crypt"),
    *("setuptools", "pkg_resources", "wheel", "PyInstaller", "distutils", "_distutils_hack"),
    *("tvm_ffi.testing", "tvm_ffi.stub"),
    *("numpy.f2py", "numpy.testing", "numpy.distutils", "numpy.tests"),
]
"""Modules that are not needed, or not part of the program."""

UNUSED_HOOKS = (
    *("pyi_rth_inspect", "pyi_rth_setuptools", "pyi_rth_pkgres", "pyi_rth_cryptography_openssl"),
    # Tells where Qt's plugins lie, which Qt knows by itself, to every other program of Qt that is started from here.
    "pyi_rth_pyside6",
)
"""What PyInstaller would run at each start, and what is not needed here."""

_WHOLE = {
    "tether_desktop": (),
    "pip": ("pip._vendor.distlib", "pip._vendor.urllib3.contrib.emscripten"),
    "uvicorn": ("uvicorn.workers", "uvicorn.loops.uvloop"),
    "mcp": ("mcp.cli",),
    "mcp_types": (),
    "keyring": ("keyring.testing",),
    "tvm_ffi": ("tvm_ffi.testing", "tvm_ffi.stub"),
    "pygments": (),
    "alembic": ("alembic.testing",),
    "pg8000": (),
    "rich": (),
    "typer": (),
}
"""Packages that are imported by name at run time, and which of their modules stay out all the same."""

_DATA = {
    "pip": ("_vendor/certifi/*.pem",),
    "fastapi_swagger": ("resources/**/*",),
    "tzdata": ("zoneinfo/**/*",),
    "jsonschema_specifications": ("schemas/**/*",),
}
"""Files that packages read beside their modules, as patterns below the package."""

_STANDARD_PACKAGES = (
    *("asyncio", "collections", "concurrent", "ctypes", "dbm", "email", "encodings", "html", "http", "importlib"),
    *("json", "logging", "multiprocessing", "re", "sqlite3", "tomllib", "unittest", "urllib", "wsgiref", "xml"),
    *("xmlrpc", "zoneinfo"),
)

_UNWANTED = tuple(
    re.compile(pattern)
    for pattern in (
        r"(^|/)tests?/",
        r"\.(pyi|pyx|pxd|h|hpp|c|cc|cmake|a|lib|ts)$",
        r"(^|/)__pycache__/",
        r"libtvm_runtime_cuda|libtvm_compiler",
        r"PySide6/(Qt/)?translations/(?!qtbase_(de|en))",
        r"PySide6/(Qt/)?(qml|metatypes|libexec)/",
        r"plugins/(egldeviceintegrations|generic|networkinformation|tls|vectorimageformats|sqldrivers|printsupport)/",
        r"plugins/(qmltooling|qmllint|designer|wayland-graphics-integration-server)/",
        r"plugins/platforms/libq(eglfs|linuxfb|minimal|minimalegl|vkkhrdisplay|vnc)\.",
        r"plugins/platformthemes/libqgtk3",
        r"plugins/platforminputcontexts/libqtvirtualkeyboard",
        r"plugins/imageformats/libq(pdf|icns|tga|tiff|wbmp)\.",
        r"libQt6(Qml|Quick|Pdf|VirtualKeyboard|EglFS|EglFs|WaylandCompositor|WaylandEglCompositor|Sql|Test|Designer)",
        r"(/Qt6|/Qt)(Qml|Quick|Pdf|VirtualKeyboard|Sql|Test|Designer)\w*\.(dll|framework)",
        # The system's own: what talks to its drivers, its screen and its services, and what every program stands on.
        r"(^|/)lib(GL|EGL|GLX|OpenGL|GLdispatch|gbm|drm|vulkan|wayland-[a-z]+|X11|X11-xcb|xcb)\.so",
        r"(^|/)lib(dbus-1|systemd|glib-2\.0|gthread-2\.0|fontconfig|freetype|stdc\+\+|gcc_s|z)\.so",
    )
)


def standard_library() -> list[str]:
    """Every module that Python comes with but those left out: a person's own tools may import any of them."""
    # What these print when they are imported.
    talking = {"antigravity", "this"}
    names = (name for name in sys.stdlib_module_names if not name.startswith("_"))
    return sorted(name for name in names if name not in talking.union(LEFT_OUT) and _exists(name))


def whole_packages(collect: Callable[..., list[str]]) -> list[str]:
    """The modules of the packages that must be there as a whole; PyInstaller's ``collect_submodules`` finds them."""
    found: list[str] = []
    for package, left_out in _WHOLE.items():
        found += collect(package, filter=lambda name, left_out=left_out: not name.startswith(left_out))
    for package in _STANDARD_PACKAGES:
        found += collect(package, filter=lambda name: ".test" not in name and "__main__" not in name)
    return found


def own_files(root: Path) -> Files:
    """Resources, the licence and the guide."""
    files = [(str(root / "LICENSE"), "."), (str(root / "docs/user-guide.md"), "docs")]
    found = (path for path in sorted((root / "resources").rglob("*")) if path.is_file() and path.suffix != ".ts")
    return [*files, *((str(path), str(path.parent.relative_to(root))) for path in found)]


def package_files() -> Files:
    """What packages read beside their modules."""
    files: Files = []
    for package, patterns in _DATA.items():
        folder = _folder(package)
        found = {path for pattern in patterns for path in folder.glob(pattern) if path.is_file()}
        wanted = sorted(path for path in found if path.suffix not in {".py", ".pyc"})
        files += [(str(path), str(path.parent.relative_to(folder.parent))) for path in wanted]
    return files


def runtime_libraries() -> Files:
    """TVM's runtime, which is all of TVM that models need, and the library it stands on."""
    runtime = _folder("tvm") / "lib" / _library("tvm_runtime")
    ffi = _folder("tvm_ffi") / "lib"
    # The package's own extension is linked with the second one, whatever its name says.
    return [(str(runtime), "runtime"), *((str(ffi / _library(name)), "tvm_ffi/lib") for name in _FFI_LIBRARIES)]


_FFI_LIBRARIES = ("tvm_ffi", "tvm_ffi_testing")


def is_wanted(target: str) -> bool:
    """Whether a file belongs into the bundle; ``target`` is its path there."""
    return not any(pattern.search(target.replace("\\", "/")) for pattern in _UNWANTED)


def _library(name: str) -> str:
    return {"win32": f"{name}.dll", "darwin": f"lib{name}.dylib"}.get(sys.platform, f"lib{name}.so")


def _folder(package: str) -> Path:
    spec = find_spec(package)
    assert spec is not None  # noqa: S101  (the build environment was made from the lock file)
    assert spec.origin is not None  # noqa: S101  (and these are regular packages)
    return Path(spec.origin).parent


def _exists(name: str) -> bool:
    try:
        return find_spec(name) is not None
    except (ImportError, ValueError):
        return False
