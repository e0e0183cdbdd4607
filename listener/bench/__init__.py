"""The measurements of `listener bench`, and the sounds they are made with."""
