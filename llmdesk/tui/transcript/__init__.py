"""The conversation on the screen: one line-API view, its entries, and how text becomes lines."""
