//go:build race

package protocol_test

// raceDetector says that memory is counted with that of the race detector.
const raceDetector = true
