"""The sandbox: values out, judgement on the host. See `host` for how to use it."""
