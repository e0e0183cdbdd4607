"""What microphones and loudspeakers share: finding a device by its name, and opening PortAudio in a child process."""
