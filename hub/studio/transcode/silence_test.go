package transcode

import (
	"testing"
	"time"
)

// The file has the length that was asked for, to the frame; the agent's reader
// and ffmpeg are tried with it end to end.
func TestSilenceHasItsLength(t *testing.T) {
	for d, want := range map[time.Duration]int64{time.Second: 48000, 20 * time.Millisecond: 960, 2501 * time.Millisecond: 126 * 960, 5 * time.Minute: 300 * 48000} {
		ogg, frames := Silence(d)
		got, err := Length(ogg)
		if err != nil || got != want || frames != want {
			t.Errorf("%s: %d frames, said %d, want %d (%v)", d, got, frames, want, err)
		}
	}
}
