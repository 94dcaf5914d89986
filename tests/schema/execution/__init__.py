"""The compiled executor against the stock one."""
