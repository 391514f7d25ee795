"""Lines that more than one stage prints."""

from datetime import date

from lib.config.bases import RunConfig
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


def past_window(config: RunConfig, as_of: date) -> list[str]:
    """What is said where all of the predicted window has passed when the run takes place."""
    days = config.question.window(as_of)
    if config.run_date is None or days.end > config.run_date:
        return []
    return [
        f"What is predicted, {days.start} to {days.last}, lies in the past: the run takes place on {config.run_date}."
    ]
