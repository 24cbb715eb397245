"""Judging the signatures of an image. The modules that this one needs are heavy: it is loaded where one is judged."""

from __future__ import annotations

from datetime import datetime

from shared.domain.policy.signing import SignatureCheck
from shared.domain.signatures.cosign import judge_cosign
from shared.domain.signatures.legacy import About
from shared.domain.signatures.material import Material, TrustFiles
from shared.domain.signatures.notation import judge_notation
from shared.domain.signatures.verdict import SignatureOutcome, SignatureVerdict, all_of


def judge_signatures(
    check: SignatureCheck, material: Material, source: str, trust: TrustFiles, at: datetime
) -> SignatureVerdict:
    """Judge whether an image is signed by whom its policy wants. Where two kinds are asked for, both must be there.

    Args:
        check: what the policy asks for.
        material: what lies beside the image; whatever its bytes are, they lead to a verdict.
        source: the repository that the image comes from, such as ``docker.io/library/node``.
        trust: the files below config/trust/.
        at: now.
    """
    verdicts = []
    if check.cosign is not None:
        about = About(material.digest, source, check)
        verdicts.append(judge_cosign(check.cosign, about, material, trust))
    if check.notation is not None:
        verdicts.append(judge_notation(check.notation, material, trust, at))
    if not verdicts:
        return SignatureVerdict(SignatureOutcome.UNVERIFIABLE, "the policy asks for signatures and does not say whose")
    return all_of(verdicts)
