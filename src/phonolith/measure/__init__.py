"""What is made of held bytes by looking at them: access copies, waveforms, thumbnails."""
