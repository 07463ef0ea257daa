"""Settings of DyeNet's search through a video."""

from dataclasses import dataclass, field

from mmvos.inference import SessionSettings
from mmvos.structures import InputError

from ..trackers.tracklets import LinkSettings


@dataclass(frozen=True)
class TemplateSettings:
    """When a prediction becomes a further template of its object.

    Args:
        min_confidence (float): least mean probability of the mask, in [0, 1].
        max_similarity (float): largest cosine similarity to the templates that are known: something new is wanted.
        min_gap (int): least distance in frames to other templates of the object.
        per_round (int): most new templates of an object in a round (0: none are added).
        in_all (int): most templates of an object besides its given mask.
    """

    min_confidence: float = 0.8
    max_similarity: float = 0.95
    min_gap: int = 5
    per_round: int = 5
    in_all: int = 20


@dataclass(frozen=True)
class SearchSettings(SessionSettings):
    """Settings of DyeNet's inference: the session's, and these of the search.

    Args:
        use_reid (bool): False: only given masks are propagated.
        search_all (bool): Re-ID also looks for objects that were carried through the whole video, which can gain nothing by it:
            for counting starting points as the paper's Table 2 does.
        reid_thr (float): rho, cosine similarity that a proposal must exceed to be a starting point.
        max_rounds (int): most rounds of Re-ID and Re-MP.
        expand_templates (TemplateSettings): when predictions become templates.
        skip_iou (float): a starting point is skipped where a tracklet overlaps it by at least this IoU.
        link (LinkSettings): when tracklets contradict each other.
        max_tracklets (int | None): most tracklets of an object; past it, starting points are dropped, the least similar ones
            of a round. None: no limit.
        batch (int): most tracklets that are propagated together. Results do not depend on it.
        enlarge (float): share of its size by which each side of Re-MP's box is moved out.
        min_area_ratio (float): a tracklet ends where its area falls below this share of the area at its start.
        min_area (int): it ends below this area, too (or below half the area at its start, if that is less), in pixels; a
            proposal whose mask is smaller is not a starting point.
        min_box_side (int): it ends where its tight box has a shorter side, in pixels (2 if it started with less than 8).
        max_proposals (int): most proposals of a frame.
        memory_mb (float): bound of what is kept of a video, in MiB: features, flow, and masks of tracklets, which go to a
            temporary file beyond their tenth.

    Raises:
        InputError: a value out of range.
    """

    use_reid: bool = True
    search_all: bool = False
    reid_thr: float = 0.7
    max_rounds: int = 10
    expand_templates: TemplateSettings = field(default_factory=TemplateSettings)
    skip_iou: float = 0.7
    link: LinkSettings = field(default_factory=LinkSettings)
    max_tracklets: int | None = None
    batch: int = 8
    enlarge: float = 0.15
    min_area_ratio: float = 0.1
    min_area: int = 64
    min_box_side: int = 4
    max_proposals: int = 100
    memory_mb: float = 4096

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.expand_templates is None:  # how configs of MMVOS 0.1 turn it off
            object.__setattr__(self, 'expand_templates', TemplateSettings(per_round=0))
        for name in ('max_rounds', 'batch'):
            if getattr(self, name) < 1:
                raise InputError(f'{name} is {getattr(self, name)}; expected at least 1.')
