"""What the console changes: each act asks first, shows how much it touches, and is written down."""
