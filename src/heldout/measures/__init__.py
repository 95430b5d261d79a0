"""One file a measure, named after the function it defines. No registry: `from heldout.measures.rote import rote`."""
