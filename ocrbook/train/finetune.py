"""Fine-tuning."""
def fine_tune():
    """Later."""
