//go:build race

package envelope_test

// raceDetector says that memory is counted with that of the race detector.
const raceDetector = true
