"""HTTP that this process sends: through which proxy, trusting which authorities."""
