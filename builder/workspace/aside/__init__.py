"""What lies in a work directory beside the stages."""
