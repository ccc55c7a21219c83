package microphone_test

import (
	"errors"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"testing"
	"time"

	"github.com/loa-vn/loa/agent/microphone"
	"github.com/loa-vn/loa/agent/player"
	"github.com/loa-vn/loa/agent/player/opus"
	"github.com/loa-vn/loa/agent/player/signal"
)

// speech is the bulletin in the testdata of package opus, so many times.
func speech(t testing.TB, times int) (all []int16) {
	t.Helper()
	f, err := os.Open("../player/opus/testdata/greeting.opus")
	if err != nil {
		t.Fatal(err)
	}
	r, err := opus.Open(f)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	return repeat(read(t, r), times)
}

func repeat(one []int16, times int) (all []int16) {
	for range times {
		all = append(all, one...)
	}
	return all
}

func read(t testing.TB, src player.Source) (all []int16) {
	t.Helper()
	for buf := make([]int16, 4800); ; {
		n, err := src.Read(buf)
		all = append(all, buf[:n]...)
		if errors.Is(err, io.EOF) {
			return all
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// yard is what a poor microphone across a yard hears of a sound: late, weak, without bass,
// with an echo, in noise.
func yard(pcm []int16, late time.Duration, noise float64) []int16 {
	random := rand.New(rand.NewPCG(3, 4))
	out := make([]int16, len(pcm)+2*player.Rate)
	echo := int(player.FramesIn(90 * time.Millisecond))
	before, bass := 0.0, 0.0
	for i := range out {
		v := 0.0
		if at := i - int(player.FramesIn(late)); at >= 0 && at < len(pcm) {
			v = float64(pcm[at])
			if at > echo {
				v += 0.4 * float64(pcm[at-echo])
			}
		}
		bass = 0.93*(bass+v-before) + 0 // a high-pass of 500 Hz
		before = v
		out[i] = int16(math.Round(0.2*bass + noise*random.NormFloat64()))
	}
	return out
}

// share gives sound to a loudspeaker and a microphone in step, and returns how much was
// listened for, and which part of it was recognised.
func share(given, heard []int16) (listened time.Duration, recognised float64) {
	r := microphone.NewRecogniser()
	r.Begun(0)
	const step = player.Rate / 10
	for at := 0; at < len(heard); at += step {
		if at < len(given) {
			r.Given(given[at:min(at+step, len(given))], 1)
		}
		r.Heard(heard[at:min(at+step, len(heard))])
	}
	l, k := r.Result()
	if l == 0 {
		return 0, 0
	}
	return l, float64(k) / float64(l)
}

func TestTheBulletinItselfIsRecognised(t *testing.T) {
	t.Parallel()
	given := speech(t, 4)
	for name, heard := range map[string][]int16{
		"as given":            given,
		"a second late, weak": yard(given, 900*time.Millisecond, 0),
		"in noise":            yard(given, 200*time.Millisecond, 60),
	} {
		l, got := share(given, heard)
		t.Logf("%s: %.0f %% of %s", name, 100*got, l)
		if l < 4*time.Second || got < 0.9 {
			t.Errorf("%s: only %.0f %% of %s recognised", name, 100*got, l)
		}
	}
}

// What is no bulletin is never taken for one: silence, noise, a siren, the same voice with
// other words.
func TestAnythingElseIsNotRecognised(t *testing.T) {
	t.Parallel()
	given := speech(t, 4)
	backwards := make([]int16, len(given))
	for i, v := range given {
		backwards[len(given)-1-i] = v
	}
	for name, heard := range map[string][]int16{
		"silence":     make([]int16, len(given)),
		"noise":       yard(make([]int16, len(given)), 0, 400),
		"a siren":     read(t, signal.Siren(player.Duration(int64(len(given))))),
		"other words": yard(backwards, 0, 20),
	} {
		l, got := share(given, heard)
		t.Logf("%s: %.0f %% of %s", name, 100*got, l)
		if got > 0 {
			t.Errorf("%s: %.0f %% recognised", name, 100*got)
		}
	}
}

// The right words count only when the loudspeaker says them.
func TestAnotherTimeIsNotRecognised(t *testing.T) {
	t.Parallel()
	words := speech(t, 1)
	other := make([]int16, len(words))
	for i, v := range words {
		other[len(words)-1-i] = v
	}
	given := repeat(append(words, other...), 3)
	if l, got := share(given, given[len(words):]); l < 4*time.Second || got > 0 {
		t.Errorf("%.0f %% of %s recognised, two seconds off", 100*got, l)
	}
}

// Pauses of a bulletin are not listened for, and a silent one gives no proof.
func TestSilenceIsNotListenedFor(t *testing.T) {
	t.Parallel()
	silence := make([]int16, 10*player.Rate)
	if l, _ := share(silence, silence); l != 0 {
		t.Errorf("listened for %s of silence", l)
	}
}

func BenchmarkMinute(b *testing.B) {
	one := speech(b, 1)
	given := repeat(one, 60*player.Rate/len(one))
	for b.Loop() {
		share(given, given)
	}
}
