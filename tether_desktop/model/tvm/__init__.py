"""Our runtime: tvm_ffi and libtvm_runtime only; never imports tvm."""
