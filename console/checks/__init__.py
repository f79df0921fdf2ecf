"""What `rollcall doctor` looks at, one part a module; each gives findings and changes nothing."""
