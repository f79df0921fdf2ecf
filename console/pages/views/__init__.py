"""The pages, one a file: each turns a request into rows of `console.queries` and a template's name."""
