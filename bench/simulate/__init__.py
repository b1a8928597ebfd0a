"""What a bell would ask of a deployment: a discrete-event simulation, fed by service times that were measured.

    python -m bench.simulate              # the table of docs/explanation/scale.md, in about a minute
    python -m bench.simulate --measure    # measures the service times anew on this machine, and checks the model

The same seed gives the same table. What the model assumes, and what it leaves out, is told in scale.md.
"""
