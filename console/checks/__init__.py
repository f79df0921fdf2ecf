"""The checks of `rollcall doctor`, one module per part; each yields findings and changes nothing."""
