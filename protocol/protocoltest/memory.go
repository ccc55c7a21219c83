package protocoltest

import (
	"runtime"
	"testing"
)

// A decoder takes at most this much memory: a multiple of what was sent, and what it
// costs to read anything at all, which is more than the multiple of a tiny input.
const (
	MemoryTimes = 16
	MemoryBase  = 24 << 10
)

// HoldMemory fails a test if reading n bytes takes more memory than that.
func HoldMemory(tb testing.TB, what string, n int, read func()) {
	tb.Helper()
	HoldMemoryBeside(tb, what, n, 0, read)
}

// HoldMemoryBeside is HoldMemory for what needs some memory whatever comes, such as
// the window of a codec, or because it is the result, such as the pixels of a picture,
// which the decoder bounds by itself: beside is that many bytes more. With the race
// detector, which takes memory of its own, it only reads.
func HoldMemoryBeside(tb testing.TB, what string, n, beside int, read func()) {
	tb.Helper()
	limit := uint64(MemoryTimes*n + MemoryBase + beside)
	read() // libraries remember types once
	least := ^uint64(0)
	for range 3 { // others may allocate at the same time
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		read()
		runtime.ReadMemStats(&after)
		if least = min(least, after.TotalAlloc-before.TotalAlloc); least <= limit || raceDetector {
			return
		}
	}
	tb.Errorf("%s: %d bytes took %d of memory, over %d times and %d beside", what, n, least, MemoryTimes, MemoryBase+beside)
}
