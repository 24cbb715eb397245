"""As what scanners write their reports that are not told how by this product."""

from __future__ import annotations

from enum import Enum


class ScannerFormat(Enum):
    """As what another scanner writes its report."""

    SARIF = "sarif"  # SARIF 2.1.0, which has no words for the image: the run says which one it was given
    TRIVY_JSON = "trivy-json"  # Trivy's own JSON, which has to name the image and its platform
