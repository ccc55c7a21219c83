package display_test

import (
	"testing"
	"time"

	"github.com/loa-vn/loa/agent/display"
)

// An alarm rings when its time has come and not before, again and again, without
// anything allocated; one that is closed keeps nobody waiting.
func TestAnAlarmRingsAtItsTime(t *testing.T) {
	a, err := display.NewAlarm()
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range []time.Duration{-time.Second, 0, time.Nanosecond, 3 * time.Millisecond, 20 * time.Millisecond, time.Millisecond} {
		from := time.Now()
		if a.Sleep(d); time.Since(from) < d {
			t.Errorf("%v were %v", d, time.Since(from))
		}
	}
	if n := testing.AllocsPerRun(20, func() { a.Sleep(100 * time.Microsecond) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
	woken := make(chan struct{})
	go func() {
		a.Sleep(time.Hour)
		close(woken)
	}()
	a.Close()
	<-woken
	a.Sleep(time.Hour)
}
