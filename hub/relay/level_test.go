package relay

import (
	"fmt"
	"math"
	"os/exec"
	"regexp"
	"strconv"
	"testing"
	"time"
)

// A station that is soft, one that is loud, and one that changes from one to the other
// come out about as loud as bulletins are, and without clipping.
func TestStationsAreLevelled(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("ffmpeg"); err != nil {
		t.Skip("ffmpeg is not installed")
	}
	for name, gain := range map[string]string{"soft": "volume=0.1", "as meant": "volume=0.4", "loud": "volume=1", "changing": "volume='if(lt(t,15),0.15,0.9)':eval=frame"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			text, err := exec.CommandContext(t.Context(), "ffmpeg", "-hide_banner", "-nostats", "-f", "lavfi", "-i", "anoisesrc=d=30:c=pink:a=0.9:seed=7:r=44100",
				"-af", fmt.Sprintf("%s,%s,ebur128=framelog=verbose:peak=true", gain, filters(3*time.Second, true)), "-f", "null", "-").CombinedOutput()
			if err != nil {
				t.Fatalf("%v: %s", err, text)
			}
			if got := last(t, text, `I:\s+(-?[0-9.]+) LUFS`); math.Abs(got - -16) > 3 {
				t.Errorf("%.1f LUFS, want about -16", got)
			}
			if got := last(t, text, `Peak:\s+(-?[0-9.]+) dBFS`); got > -0.5 {
				t.Errorf("a true peak of %.1f dBFS", got)
			}
		})
	}
}

func last(t *testing.T, text []byte, pattern string) float64 {
	t.Helper()
	all := regexp.MustCompile(pattern).FindAllSubmatch(text, -1)
	if len(all) == 0 {
		t.Fatalf("no %s in %s", pattern, text)
	}
	v, err := strconv.ParseFloat(string(all[len(all)-1][1]), 64)
	if err != nil {
		t.Fatal(err)
	}
	return v
}
