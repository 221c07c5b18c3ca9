"""A fake of a provider of models: OpenAI's chat completions, embeddings and models, under `/providers/ai/v1`.

`provider.py` is where it comes in, `wire.py` its keys and errors, `chat.py` and `stream.py` the completions,
`scripts.py` what tests have it say, `helper.py` what it says where no test speaks, `tally.py` what each call cost.
"""
