package protocoltest

import (
	"runtime"
	"testing"
)

// A decoder takes at most this much memory: a multiple of what was sent, and
// what it costs to read anything at all.
const (
	MemoryTimes = 16
	MemoryBase  = 24 << 10
)

// HoldMemory fails a test if reading n bytes takes more memory than that.
func HoldMemory(tb testing.TB, what string, n int, read func()) {
	tb.Helper()
	limit := uint64(MemoryTimes*n + MemoryBase)
	read() // libraries remember types once
	least := ^uint64(0)
	for range 3 { // others may allocate at the same time
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		read()
		runtime.ReadMemStats(&after)
		if least = min(least, after.TotalAlloc-before.TotalAlloc); least <= limit {
			return
		}
	}
	tb.Errorf("%s: %d bytes took %d of memory, over %d times", what, n, least, MemoryTimes)
}
