package e2e

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/loa-vn/loa/hub/api"
	"github.com/loa-vn/loa/hub/bulletin"
	"github.com/loa-vn/loa/hub/config"
	"github.com/loa-vn/loa/hub/relay"
	"github.com/loa-vn/loa/protocol"
)

// midday is a zone in which it is about noon, so that no slot of these tests
// passes midnight.
func midday() string {
	offset := 12 - time.Now().UTC().Hour() // -11 to 12
	return fmt.Sprintf("Etc/GMT%+d", -offset)
}

// sound makes a file of noise with ffmpeg, in a format.
func sound(t *testing.T, seconds int, args ...string) []byte {
	t.Helper()
	out := filepath.Join(t.TempDir(), "sound")
	args = append(append([]string{"-v", "error", "-f", "lavfi", "-i", fmt.Sprintf("anoisesrc=d=%d:c=pink:a=0.3:seed=7:r=48000", seconds)}, args...), "-y", out)
	if text, err := exec.CommandContext(t.Context(), "ffmpeg", args...).CombinedOutput(); err != nil {
		t.Fatalf("ffmpeg: %v: %s", err, text)
	}
	return readAll(t, out)
}

// paced serves bytes as a station does: at the speed at which they sound, and
// from the middle on whatever then does: nothing more, or other bytes.
func paced(b []byte, rate int, after func(w http.ResponseWriter, r *http.Request)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		tick := time.NewTicker(100 * time.Millisecond)
		defer tick.Stop()
		for rest := b; len(rest) > 0; {
			n := min(rate/10, len(rest))
			if _, err := w.Write(rest[:n]); err != nil {
				return
			}
			rest = rest[n:]
			w.(http.Flusher).Flush()
			select {
			case <-r.Context().Done():
				return
			case <-tick.C:
			}
		}
		if after != nil {
			after(w, r)
		}
	}
}

// icecast puts a title into a stream after each second of it, as Icecast does for those who
// ask for that: a byte that says how many sixteens of bytes it has, and the title.
type icecast struct {
	http.ResponseWriter
	left int
}

const (
	icySecond = 8000 // bytes of the stream
	icyTitle  = "\x02StreamTitle='Th\xc3\xb4n \xc4\x90\xc3\xb4ng';\x00\x00\x00\x00\x00"
)

func (w *icecast) Write(b []byte) (int, error) {
	done := 0
	for done < len(b) {
		n, err := w.ResponseWriter.Write(b[done:min(len(b), done+w.left)])
		done += n
		if err != nil {
			return done, err
		}
		if w.left -= n; w.left == 0 {
			if _, err := io.WriteString(w.ResponseWriter, icyTitle); err != nil {
				return done, err
			}
			w.left = icySecond
		}
	}
	return done, nil
}

func (w *icecast) Flush() { w.ResponseWriter.(http.Flusher).Flush() }

// titled serves a stream as Icecast does.
func titled(serve http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Icy-Metadata") != "1" {
			http.Error(w, "this test is about titles", http.StatusBadRequest)
			return
		}
		w.Header().Set("Content-Type", "audio/mpeg")
		w.Header().Set("Icy-Metaint", strconv.Itoa(icySecond))
		serve(&icecast{w, icySecond}, r)
	}
}

// station serves every kind of stream that a station may have.
func station(t *testing.T) *httptest.Server {
	t.Helper()
	mux := http.NewServeMux()
	whole := sound(t, 60, "-c:a", "libmp3lame", "-b:a", "64k", "-f", "mp3")
	mux.HandleFunc("/whole.mp3", titled(paced(whole, icySecond, nil)))
	// It has nothing more for those who connect again either.
	var stalled atomic.Bool
	stall := func(_ http.ResponseWriter, r *http.Request) {
		stalled.Store(true)
		<-r.Context().Done()
	}
	sounding := paced(sound(t, 12, "-c:a", "aac", "-b:a", "64k", "-f", "adts"), 8000, stall)
	mux.HandleFunc("/stalls.aac", func(w http.ResponseWriter, r *http.Request) {
		if stalled.Load() {
			stall(w, r)
			return
		}
		sounding(w, r)
	})
	silent := sound(t, 60, "-af", "volume=0:enable='gt(t,12)'", "-c:a", "libopus", "-b:a", "64k", "-vbr", "off", "-f", "ogg")
	mux.HandleFunc("/silent.opus", paced(silent, 8000, nil))
	mux.HandleFunc("/ends.mp3", paced(whole[:64_000], 8000, nil)) // and connects again
	hls := t.TempDir()
	mp3 := filepath.Join(hls, "in.mp3")
	must(t, os.WriteFile(mp3, whole, 0o600))
	if text, err := exec.CommandContext(t.Context(), "ffmpeg", "-v", "error", "-i", mp3, "-c:a", "aac", "-f", "hls", "-hls_time", "2", "-hls_list_size", "0",
		filepath.Join(hls, "live.m3u8")).CombinedOutput(); err != nil {
		t.Fatalf("ffmpeg: %v: %s", err, text)
	}
	mux.Handle("/hls/", http.StripPrefix("/hls/", http.FileServer(http.Dir(hls))))
	s := httptest.NewServer(mux)
	t.Cleanup(func() { s.CloseClientConnections(); s.Close() })
	return s
}

// relayed makes a relay of a station for a village, approved, at a start.
func (w *world) relayed(n api.NewRelay, unit protocol.UnitID, start time.Time) bulletin.Bulletin {
	w.t.Helper()
	n.Unit, n.Class, n.From, n.To, n.Silence = commune, protocol.ClassPriority, 0, 24*60, max(n.Silence, 3*time.Second)
	b, err := w.Streams().Create(w.t.Context(), w.actor("soan"), n)
	must(w.t, err)
	w.air(b, bulletin.Wish{Units: []protocol.UnitID{unit}, When: bulletin.At, Start: start.In(w.Zone).Format("2006-01-02T15:04:05"), Lateness: 1, Volume: 100}, "duyet1")
	return b
}

// answer is the one device's word on a bulletin's one start, when it has come.
func (w *world) answer(b bulletin.Bulletin) (protocol.Outcome, protocol.Reason, uint64, protocol.AiringID) {
	w.t.Helper()
	r := w.settled(b, 1)
	a := r.Lines[0].Answer
	return a.Outcome, a.Reason, a.Frames, r.Lines[0].Airing
}

func (w *world) events(b bulletin.Bulletin) []string {
	w.t.Helper()
	list, err := w.Streams().Events(w.t.Context(), b.Relay.Session)
	must(w.t, err)
	var out []string
	for _, e := range list {
		out = append(out, e.What)
	}
	slices.Reverse(out)
	return out
}

// loud says in how many of its seconds a recording is not silent.
func loud(pcm []int16) (seconds int) {
	for s := range slices.Chunk(pcm, protocol.SoundRate) {
		sum := 0.0
		for _, v := range s {
			sum += float64(v) * float64(v)
		}
		if math.Sqrt(sum/float64(len(s))) > 300 {
			seconds++
		}
	}
	return seconds
}

// A station's stream is heard where it was approved, by all at once, for as long
// as it was approved; one that stalls or falls silent is cut by a fault, what is
// next goes on, and the hub says so.
func TestRelays(t *testing.T) {
	t.Parallel()
	st := station(t)
	w := newWorld(t, func(c *config.Config) {
		c.Zone = midday()
		c.Relay.Stations = map[string]string{}
		for id, path := range map[string]string{"mp3": "/whole.mp3", "aac": "/stalls.aac", "opus": "/silent.opus", "hls": "/hls/live.m3u8", "ends": "/ends.mp3"} {
			c.Relay.Stations[id] = st.URL + path + " Đài thử " + id
		}
	})
	dong, neighbour := w.device(speaker("loa-dong", "thon-dong", 500)), w.device(speaker("loa-dong-2", "thon-dong", 500))
	doai, trung := w.device(speaker("loa-doai", "thon-doai", 1000)), w.device(speaker("loa-trung", "thon-trung", 1000))
	w.online(dong, neighbour, doai, trung)
	news := w.ready(bulletin.Content{Text: text, Options: bulletin.SoundOptions{Wanted: true}})

	aired := samples(sound(t, 60, "-f", "s16le"))
	start := time.Now().Add(10 * time.Second).Truncate(time.Second)
	whole := w.relayed(api.NewRelay{Station: "mp3", Length: 6 * time.Second}, "thon-dong", start)
	stalls := w.relayed(api.NewRelay{Station: "aac", Length: 50 * time.Second}, "thon-doai", start)
	silent := w.relayed(api.NewRelay{Station: "opus", Length: 50 * time.Second}, "thon-trung", start)
	w.air(news, bulletin.Wish{Units: []protocol.UnitID{"thon-doai"}, When: bulletin.At, Start: start.In(w.Zone).Format("2006-01-02T15:04:05"), Volume: 100}, "duyet1")

	t.Run("whole, together, and ended by the device", func(t *testing.T) {
		w := w.in(t)
		r := w.settled(whole, 2)
		var heardBy [][]int16
		for i, d := range []*device{dong, neighbour} {
			if a := r.Lines[i].Answer; a.Outcome != protocol.OutcomePlayed || a.Frames != 6*protocol.SoundRate {
				t.Errorf("%s: %s (%s), %d frames", d.id, a.Outcome, a.Reason, a.Frames)
			}
			files := d.wavs(r.Lines[i].Airing)
			if len(files) != 1 {
				t.Fatalf("%s wrote %d files", d.id, len(files))
			}
			heardBy = append(heardBy, heard(t, files[0]))
		}
		if n := loud(heardBy[0]); n < 6 {
			t.Errorf("heard in %d of 6 seconds", n)
		}
		// The second half: the decoders have met by then. Each begins at the very frame.
		half := len(heardBy[0]) / 2
		if off := offset(heardBy[0][half:], heardBy[1][half:]); off > 96 || off < -96 {
			t.Errorf("neighbours are %d frames apart", off)
		}
		for i, pcm := range heardBy {
			follows(t, r.Lines[i].Device, pcm[len(pcm)/2:], aired)
		}
		if got := w.events(whole); !slices.Contains(got, relay.Began) {
			t.Errorf("events %q", got)
		}
	})
	t.Run("stalled: cut by a fault, and the next goes on", func(t *testing.T) {
		w := w.in(t)
		outcome, why, frames, airing := w.answer(stalls)
		if outcome != protocol.OutcomeCut || why != protocol.ReasonFault || frames == 0 || frames >= 50*protocol.SoundRate {
			t.Errorf("%s (%s), %d frames", outcome, why, frames)
		}
		if n := loud(heard(t, doai.wavs(airing)[0])); n < 3 {
			t.Errorf("heard in %d seconds before it stalled", n)
		}
		if got := w.events(stalls); !slices.Contains(got, relay.Lost) {
			t.Errorf("events %q", got)
		}
		if outcome, why, _, _ := w.answer(news); outcome != protocol.OutcomePlayed {
			t.Errorf("the next: %s (%s)", outcome, why)
		}
	})
	t.Run("silent: cut by a fault", func(t *testing.T) {
		w := w.in(t)
		outcome, why, frames, _ := w.answer(silent)
		if outcome != protocol.OutcomeCut || why != protocol.ReasonFault || frames == 0 || frames >= 50*protocol.SoundRate {
			t.Errorf("%s (%s), %d frames", outcome, why, frames)
		}
		if got := w.events(silent); !slices.Contains(got, relay.DeadAir) {
			t.Errorf("events %q", got)
		}
	})

	start = time.Now().Add(11 * time.Second).Truncate(time.Second)
	hls := w.relayed(api.NewRelay{Station: "hls", Length: 5 * time.Second}, "thon-dong", start)
	ends := w.relayed(api.NewRelay{Station: "ends", Length: 5 * time.Second}, "thon-doai", start)
	live := w.relayed(api.NewRelay{Source: "Chủ tịch xã", Length: 8 * time.Second}, "thon-trung", start)
	t.Run("live from a browser, chunk by chunk", func(t *testing.T) {
		w := w.in(t)
		chunks := sound(t, 25, "-c:a", "libopus", "-b:a", "64k", "-f", "webm", "-cluster_time_limit", "500", "-live", "1")
		if err := w.Streams().Feed(t.Context(), whole.Relay.Session, strings.NewReader("x")); code(err) != "not-live" {
			t.Errorf("sound for a station: %v", err)
		}
		w.until("the live window is open", func() bool {
			return w.Streams().Feed(t.Context(), live.Relay.Session, bytes.NewReader(nil)) == nil
		})
		tick := time.NewTicker(250 * time.Millisecond)
		defer tick.Stop()
		for chunk := range slices.Chunk(chunks, 2000) {
			if err := w.Streams().Feed(t.Context(), live.Relay.Session, bytes.NewReader(chunk)); err != nil {
				break // the window is over
			}
			<-tick.C
		}
		outcome, why, frames, airing := w.answer(live)
		if outcome != protocol.OutcomePlayed || frames != 8*protocol.SoundRate {
			t.Fatalf("%s (%s), %d frames", outcome, why, frames)
		}
		if n := loud(heard(t, trung.wavs(airing)[0])); n < 6 {
			t.Errorf("heard in %d of 8 seconds", n)
		}
	})
	for name, b := range map[string]bulletin.Bulletin{"HLS": hls, "a source that ends and begins again": ends} {
		t.Run(name, func(t *testing.T) {
			w := w.in(t)
			r := w.settled(b, 1)
			for _, l := range r.Lines {
				if l.Answer.Outcome != protocol.OutcomePlayed || l.Answer.Frames != 5*protocol.SoundRate {
					t.Errorf("%s: %s (%s), %d frames", l.Device, l.Answer.Outcome, l.Answer.Reason, l.Answer.Frames)
				}
			}
		})
	}
	if v := w.verified(); len(v.Problems) > 0 {
		t.Errorf("verify: %q", v.Problems)
	}
}

// offset returns by how many frames b is behind a, as far as 200 ms, by correlation.
func offset(a, b []int16) int {
	const most, window = protocol.SoundRate / 5, protocol.SoundRate / 2
	if len(a) < 2*most+window || len(b) < 2*most+window {
		return most
	}
	best, at := -1.0, 0
	for off := -most; off <= most; off += 4 {
		sum := 0.0
		for i := 0; i < window; i += 3 {
			sum += float64(a[most+i]) * float64(b[most+off+i])
		}
		if sum > best {
			best, at = sum, off
		}
	}
	return at
}

// samples reads little-endian PCM.
func samples(b []byte) []int16 {
	pcm := make([]int16, len(b)/2)
	for i := range pcm {
		pcm[i] = int16(binary.LittleEndian.Uint16(b[2*i:]))
	}
	return pcm
}

// follows checks that what was heard is what the station sent, in one piece: tenths of a
// second taken along it are each found again, as much apart as they were. Over longer
// stretches they part, as the hub's clock and the sound card's may: by 300 ppm.
func follows(t *testing.T, by protocol.DeviceID, pcm, aired []int16) {
	t.Helper()
	const least = 0.6 // elsewhere in the noise it is under 0.2; both coders are lossy
	const length, step = protocol.SoundRate / 10, protocol.SoundRate / 2
	first := step
	at, _ := foundIn(thinned(pcm[first:first+length]), thinned(aired), 0, len(aired)/thin)
	last := at*thin - first // how much later in the station's sound
	reach := thin
	for from := first; from+length <= len(pcm); from += step {
		at, alike := foundIn(pcm[from:from+length], aired, from+last-reach, from+last+reach)
		moved := at - from - last
		if alike < least || from > first && max(moved, -moved) > step*400/1_000_000+1 {
			t.Errorf("%s: after %d ms %.2f alike, moved by %d frames", by, from*1000/protocol.SoundRate, alike, moved)
		}
		last, reach = at-from, 96
	}
}

// thin is of how many frames thinned makes one.
const thin = 8

func thinned(pcm []int16) []int16 {
	out := make([]int16, len(pcm)/thin)
	for i := range out {
		sum := 0
		for _, v := range pcm[i*thin : (i+1)*thin] {
			sum += int(v)
		}
		out[i] = int16(sum / thin)
	}
	return out
}

// foundIn returns where from least to most a piece is most alike, and how much: 1 for the
// same but for loudness.
func foundIn(piece, all []int16, least, most int) (at int, alike float64) {
	for i := max(least, 0); i <= min(most, len(all)-len(piece)); i++ {
		var both, one, other float64
		for k, v := range piece {
			x, y := float64(v), float64(all[i+k])
			both, one, other = both+x*y, one+x*x, other+y*y
		}
		if c := both / math.Sqrt(one*other); c > alike {
			at, alike = i, c
		}
	}
	return at, alike
}
