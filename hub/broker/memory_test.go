package broker_test

import (
	"os"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
)

// messageSize is the payload of an alert or of a plan's head, in bytes.
const messageSize = 700

// footprint is what this process takes, in bytes.
type footprint struct{ rss, heap, stack int }

func memory() footprint {
	debug.FreeOSMemory()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	f := footprint{heap: int(m.HeapAlloc), stack: int(m.StackInuse)}
	status, _ := os.ReadFile("/proc/self/status")
	for _, line := range strings.Split(string(status), "\n") {
		if rest, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			kb, _ := strconv.Atoi(strings.Fields(rest)[0])
			f.rss = kb << 10
		}
	}
	return f
}
