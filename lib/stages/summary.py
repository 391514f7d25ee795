"""Lines that more than one stage prints."""

from lib.evaluation.metrics import Quality
from lib.labels.split import Split


def format_quality(title: str, quality: Quality | None, parts: Split) -> list[str]:
    if quality is None:
        return []
    wanted = ("log_loss", "naive_log_loss", "base_rate_log_loss", "auc")
    names = {"log_loss": "log loss", "naive_log_loss": "naive rule", "base_rate_log_loss": "base rate", "auc": "AUC"}
    metrics = ", ".join(f"{names[name]} {quality.metrics[name]}" for name in wanted if name in quality.metrics)
    days = ", ".join(map(str, parts.holdout))
    return [f"{title} ({days}; {quality.rows} rows, {quality.positives} positive): {metrics}."]
