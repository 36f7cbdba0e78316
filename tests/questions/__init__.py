"""The bundled questions, asked of the sample logs and of records made for them."""
