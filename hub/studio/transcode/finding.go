package transcode

// Finding is something wrong with a recording that still can be used.
type Finding string

// The findings.
const (
	FindingQuiet      Finding = "quiet"       // far below speech at arm's length
	FindingClipped    Finding = "clipped"     // the microphone was overdriven
	FindingOneChannel Finding = "one channel" // one side of a stereo recording is silent
	FindingNoisy      Finding = "noisy"       // speech stands less than 15 dB over the noise
)
