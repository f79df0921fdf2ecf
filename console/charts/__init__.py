"""Charts as SVG: geometry is worked out here, templates beside it draw it. No clock, no database."""
