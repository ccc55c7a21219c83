//go:build !race

package protocoltest

// raceDetector says that memory is counted with that of the race detector.
const raceDetector = false
