"""Names for a public leaderboard: two words that only the class's secret ties to a net id."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterator

_FIRST = (
    "amber ample azure balmy bold brave brisk bright calm candid cheery civil clever copper coral "
    "cosy crisp curious daring deft dapper eager early fair fancy fleet fond frank frosty gentle "
    "glad golden grand happy hardy humble ivory jolly keen kind lively lucky lunar merry mild "
    "misty modest neat nimble noble olive patient placid plucky proud quick quiet rapid ready "
    "rosy royal sandy silent silver smart snowy solar spry steady stout sunny swift tidy tranquil "
    "upbeat velvet vivid warm witty zesty"
).split()
_SECOND = (
    "badger beaver bison bittern bunting camel caribou chamois cheetah condor cormorant crane "
    "curlew dolphin dormouse dunlin egret eider falcon ferret finch flamingo gannet gazelle "
    "gibbon giraffe goldfinch grebe grouse gull hamster hare harrier hedgehog heron hoopoe ibex "
    "ibis impala jackdaw jaguar kestrel kingfisher kite koala lapwing lemur linnet llama lynx "
    "magpie marmot marten merlin mole moose narwhal newt nightjar ocelot okapi oriole osprey "
    "otter owl panda partridge pelican penguin petrel pipit plover puffin quail rabbit raven "
    "redstart robin salmon seal shrike siskin sparrow starling stork swallow swan tapir teal "
    "tern thrush toucan turtle vole wagtail walrus warbler weasel whale wigeon wombat wren yak"
).split()
_WITHOUT_NUMBER = 3


def aliases(secret: str, net_id: str) -> Iterator[str]:
    """Yield names for a student, the first the best; take the first that nobody has.

    They are a keyed hash of the net id: without the secret nobody can tell whose they are, not
    even with a list of all net ids.

    Args:
        secret: of the class.
        net_id: the student's.

    Example:
        >>> next(aliases("secret", "ab1234"))
        'azure-bittern'
    """
    attempt = 0
    while True:
        digest = hmac.digest(secret.encode(), f"{attempt} {net_id}".encode(), hashlib.sha256)
        number = int.from_bytes(digest)
        number, first = divmod(number, len(_FIRST))
        number, second = divmod(number, len(_SECOND))
        digits = max(0, attempt + 2 - _WITHOUT_NUMBER)  # a class of millions needs numbers
        tail = f"-{number % 10**digits}" if attempt >= _WITHOUT_NUMBER else ""
        yield f"{_FIRST[first]}-{_SECOND[second]}{tail}"
        attempt += 1
