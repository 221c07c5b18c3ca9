"""The board, `examples/board`, as people use it: in real browsers, over what `tripgate dev` starts."""
