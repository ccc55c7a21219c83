package feed

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/loa-vn/loa/agent/player"
)

// epoch is an instant to count from.
func epoch() time.Time { return time.Unix(1_000_000, 0) }

func put(t testing.TB, f *Feed, pcm ...int16) {
	t.Helper()
	if err := f.Put(pcm); err != nil {
		t.Fatal(err)
	}
}

func TestATrackWaitsForItsInstantToTheFrame(t *testing.T) {
	t.Parallel()
	f := New(1, time.Second)
	f.Start("a", epoch().Add(player.Duration(3)))
	put(t, f, 10, 20, 30)
	out := make([]int16, 8)
	f.Pull(out, epoch())
	if diff := cmp.Diff([]int16{0, 0, 0, 10, 20, 30, 0, 0}, out); diff != "" {
		t.Error(diff)
	}
	if f.Starved() != 2 { // the track has not ended
		t.Errorf("starved %d", f.Starved())
	}
}

func TestAPastInstantFollowsDirectly(t *testing.T) {
	t.Parallel()
	f := New(2, time.Second)
	f.Start("a", time.Time{})
	put(t, f, 1, -1, 2, -2)
	f.Start("b", epoch().Add(-time.Hour))
	put(t, f, 3, -3)
	out := make([]int16, 8)
	var spans []Span
	for rest := out; len(rest) > 0; {
		s := f.Next(rest, epoch())
		spans = append(spans, s)
		rest = rest[2*s.Frames:]
	}
	want := []Span{
		{Kind: Content, Frames: 2, Track: "a", Serial: 1},
		{Kind: Content, Frames: 1, Track: "b", Serial: 2},
		{Kind: Starved, Frames: 1, Track: "b", Serial: 2},
	}
	if diff := cmp.Diff(want, spans); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]int16{1, -1, 2, -2, 3, -3, 0, 0}, out); diff != "" {
		t.Error(diff)
	}
}

func TestOnlyContentIsCounted(t *testing.T) {
	t.Parallel()
	f := New(1, time.Second)
	out := make([]int16, 4)
	f.Pull(out, epoch()) // 4 of silence
	f.Start("a", time.Time{})
	put(t, f, 1, 2, 3)
	if err := f.End(); err != nil {
		t.Fatal(err)
	}
	f.Pull(out, epoch()) // 3 of content, 1 of silence
	f.Pull(out, epoch()) // 4 of silence
	for _, c := range []struct {
		total int64
		want  Account
	}{
		{3, Account{0, 3, 3}},
		{4, Account{0, 3, 4}},
		{6, Account{2, 1, 0}},
		{7, Account{3, 0, 0}},
		{12, Account{3, 0, 5}},
		{5, Account{3, 0, 0}},
		{99, Account{3, 0, 5}},
	} {
		if got := f.Consumed(c.total); got != c.want {
			t.Errorf("of %d: %+v, want %+v", c.total, got, c.want)
		}
	}
}

func TestFlushLeavesAFade(t *testing.T) {
	t.Parallel()
	f := New(1, time.Second)
	f.Start("a", time.Time{})
	loud := make([]int16, 4800)
	for i := range loud {
		loud[i] = 10000
	}
	put(t, f, loud...)
	f.Pull(make([]int16, 100), epoch())
	f.Flush(player.Fade)
	f.Start("b", time.Time{})
	put(t, f, 7)
	out := make([]int16, 962)
	f.Pull(out, epoch())
	for i := 1; i < 960; i++ {
		if out[i] > out[i-1] {
			t.Fatalf("frame %d of the fade: %d after %d", i, out[i], out[i-1])
		}
	}
	if out[0] < 9990 || out[959] > 10 || out[960] != 7 {
		t.Errorf("from %d to %d, then %d", out[0], out[959], out[960])
	}
	if a := f.Consumed(f.Total()); a.Content != 1061 {
		t.Errorf("%+v", a)
	}
}

func TestFlushBeforeTheInstantLeavesNothing(t *testing.T) {
	t.Parallel()
	f := New(1, time.Second)
	f.Start("a", epoch().Add(time.Hour))
	put(t, f, 1, 2, 3)
	f.Flush(player.Fade)
	if a := f.Consumed(f.Total()); a != (Account{}) || !f.Idle() {
		t.Errorf("%+v, idle %v", a, f.Idle())
	}
}

func TestPutRefuses(t *testing.T) {
	t.Parallel()
	f := New(1, time.Second/player.Rate*4+time.Microsecond)
	if err := f.Put([]int16{1}); !errors.Is(err, ErrNoTrack) {
		t.Error(err)
	}
	if err := f.End(); !errors.Is(err, ErrNoTrack) {
		t.Error(err)
	}
	f.Start("a", time.Time{})
	if err := f.Put(make([]int16, 5)); !errors.Is(err, ErrFull) {
		t.Error(err)
	}
}

// Every frame put in comes out once and in order, whatever is pulled when, and the
// account agrees with what came out.
func TestNothingIsLostOrDoubled(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		channels := rapid.IntRange(1, 2).Draw(t, "channels")
		f := New(channels, 2*time.Millisecond) // 96 frames
		var in, out []int16
		next := int16(1)
		now := epoch()
		f.Start("", now)
		for range rapid.IntRange(1, 60).Draw(t, "steps") {
			switch rapid.IntRange(0, 4).Draw(t, "do") {
			case 0, 1:
				pcm := make([]int16, channels*rapid.IntRange(1, 60).Draw(t, "frames"))
				for i := range pcm {
					pcm[i] = next
					next = next%30000 + 1
				}
				if err := f.Put(pcm); err == nil {
					in = append(in, pcm...)
				} else if !errors.Is(err, ErrFull) {
					t.Fatal(err)
				}
			case 2, 3:
				pcm := make([]int16, channels*rapid.IntRange(1, 60).Draw(t, "pull"))
				f.Pull(pcm, now)
				now = now.Add(player.Duration(int64(len(pcm) / channels)))
				for _, s := range pcm {
					if s != 0 {
						out = append(out, s)
					}
				}
				a := f.Consumed(f.Total())
				if a.Content != int64(len(out)/channels) || a.Content+a.Pending != int64(len(in)/channels) {
					t.Fatalf("%+v with %d in and %d out", a, len(in), len(out))
				}
			case 4:
				f.Start("", now.Add(time.Duration(rapid.IntRange(-1000, 1000).Draw(t, "at"))*time.Microsecond))
			}
		}
		if !slices.Equal(in[:len(out)], out) {
			t.Fatalf("in %v, out %v", in, out)
		}
	})
}

// TestATrackThatFollowsDirectlyHasNoGap: a wait under two milliseconds behind another
// track's last frame is left out; behind silence it is waited.
func TestATrackThatFollowsDirectlyHasNoGap(t *testing.T) {
	t.Parallel()
	f := New(1, time.Second)
	f.Start("a", time.Time{})
	put(t, f, 1, 2)
	f.Start("b", epoch().Add(time.Millisecond))
	put(t, f, 3, 4)
	got := make([]int16, 4)
	f.Pull(got, epoch())
	if diff := cmp.Diff([]int16{1, 2, 3, 4}, got); diff != "" {
		t.Error(diff)
	}
	if late, aimed := f.Late(epoch().Add(time.Millisecond)); !aimed || late > 0 {
		t.Errorf("late %s, aimed %v", late, aimed)
	}
	f.Aim(epoch())
	if late, _ := f.Late(epoch().Add(10 * time.Millisecond)); late != 10*time.Millisecond-player.Duration(2) {
		t.Errorf("late %s", late)
	}
}

// TestTracksThatWaitFollowWithoutAFrameBetween: however long tracks are and however much
// a card takes at once, as long as frames are there none of silence comes between them.
func TestTracksThatWaitFollowWithoutAFrameBetween(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		f := New(1, time.Second)
		lengths := rapid.SliceOfN(rapid.IntRange(1, 3000), 1, 6).Draw(t, "lengths")
		var want, got []int16
		for i, n := range lengths {
			f.Start("t", time.Time{})
			for range n {
				want = append(want, int16(i+1))
			}
			if err := f.Put(want[len(want)-n:]); err != nil {
				t.Fatal(err)
			}
		}
		if err := f.End(); err != nil {
			t.Fatal(err)
		}
		for len(got) < len(want) {
			out := make([]int16, rapid.IntRange(1, 1000).Draw(t, "taken"))
			f.Pull(out, epoch())
			got = append(got, out...)
		}
		if !slices.Equal(want, got[:len(want)]) || f.Paused() != 0 {
			t.Errorf("%d frames of silence", f.Paused())
		}
	})
}

// TestSilenceThatNobodyAskedForIsTold: that inside a track, and that before one that was
// to follow; not what a track waits for, and not what comes last.
func TestSilenceThatNobodyAskedForIsTold(t *testing.T) {
	t.Parallel()
	f := New(1, time.Second)
	f.Start("a", time.Time{})
	put(t, f, 1, 2)
	f.Pull(make([]int16, 5), epoch()) // 3 inside
	put(t, f, 3)
	if err := f.End(); err != nil {
		t.Fatal(err)
	}
	f.Pull(make([]int16, 5), epoch()) // 4 behind it
	f.Start("b", time.Time{})
	put(t, f, 4)
	f.Pull(make([]int16, 3), epoch()) // 2 that nothing follows yet
	if err := f.End(); err != nil {
		t.Fatal(err)
	}
	f.Start("c", epoch().Add(player.Duration(200)))
	put(t, f, 5)
	f.Pull(make([]int16, 300), epoch())
	if f.Paused() != 7 || f.Starved() != 3+2+99 {
		t.Errorf("%d paused, %d starved", f.Paused(), f.Starved())
	}
}
