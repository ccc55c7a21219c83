package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/loa-vn/loa/hub/bulletin"
	"github.com/loa-vn/loa/hub/config"
	"github.com/loa-vn/loa/hub/studio/speech"
	"github.com/loa-vn/loa/protocol"
)

// voice is a pretended engine: a tone of a second for each piece, which waits for
// may before each but the first.
type voice struct {
	mu    sync.Mutex
	said  []string
	may   chan struct{}
	waits bool
}

func (v *voice) Identity() string { return "pretended" }

func (v *voice) Speak(ctx context.Context, req speech.Request) (speech.PCM, error) {
	v.mu.Lock()
	v.said = append(v.said, req.Text)
	wait := v.waits && len(v.said) > 1
	v.mu.Unlock()
	if wait {
		select {
		case <-v.may:
		case <-ctx.Done():
			return speech.PCM{}, ctx.Err()
		}
	}
	pcm := speech.PCM{Rate: 22050, Samples: make([]int16, 22050)}
	for i := range pcm.Samples {
		pcm.Samples[i] = int16(8000 * (i / 25 % 2)) // a square wave
	}
	return pcm, nil
}

func (v *voice) pieces() []string {
	v.mu.Lock()
	defer v.mu.Unlock()
	return append([]string(nil), v.said...)
}

// speaking makes a hub that speaks with v.
func speaking(t *testing.T, v *voice) *world {
	w := initialised(t)
	w.engine = v
	w.open()
	return w
}

// do sends a request and returns its status and body.
func (c *client) do(method, path string, body any) (int, []byte) {
	t := c.w.t
	t.Helper()
	var in io.Reader
	if body != nil {
		b, err := json.Marshal(body)
		must(t, err)
		in = bytes.NewReader(b)
	}
	req, err := http.NewRequestWithContext(t.Context(), method, "http://"+c.w.WebAddr().String()+"/api/v1"+path, in)
	must(t, err)
	req.Header.Set("Content-Type", "application/json")
	resp, err := c.Do(req)
	must(t, err)
	b, err := io.ReadAll(resp.Body)
	must(t, errors.Join(err, resp.Body.Close()))
	return resp.StatusCode, b
}

// A commune's own pronunciation is shown, can be tried by ear, and is what its
// bulletins say.
func TestACommunesOwnPronunciationIsShownTriedAndSaid(t *testing.T) {
	t.Parallel()
	v := &voice{}
	w := speaking(t, v)
	c := w.client("soan")
	list := []map[string]string{{"written": "Ea H'leo", "said": "ê a hờ leo"}}
	if status, b := c.do(http.MethodPut, "/units/xa-binh-an/pronunciations", list); status != http.StatusNoContent {
		t.Fatalf("%d %s", status, b)
	}
	trial := map[string]any{"unit": "thon-dong", "title": "Họp", "text": "Họp tại Ea H'leo lúc 17h30."}
	status, b := c.do(http.MethodPost, "/readings", trial)
	var reading struct {
		Words, Board string
		Places       []struct{ From, Said, Kind string }
	}
	must(t, json.Unmarshal(b, &reading))
	if status != http.StatusOK || !strings.Contains(reading.Words, "ê a hờ leo lúc mười bảy giờ ba mươi") || len(reading.Places) != 2 {
		t.Errorf("%d %s", status, b)
	}
	if reading.Board != "Họp - 17h30 - Ea H'leo lúc 17h30" {
		t.Errorf("for boards: %q", reading.Board)
	}
	if status, b = c.do(http.MethodPost, "/readings/sample", trial); status != http.StatusOK || !bytes.HasPrefix(b, []byte("RIFF")) {
		t.Errorf("sample: %d, %d bytes", status, len(b))
	}
	made := w.ready(bulletin.Content{Text: "Ea H'leo", Options: bulletin.SoundOptions{Wanted: true}})
	if said := v.pieces(); !strings.Contains(said[len(said)-1], "ê a hờ leo") || !strings.Contains(made.Rendition.Spoken, "ê a hờ leo") {
		t.Errorf("said %q", said)
	}
	twice := append(list, list...)
	if status, b = c.do(http.MethodPut, "/units/xa-binh-an/pronunciations", twice); status != http.StatusUnprocessableEntity || !bytes.Contains(b, []byte("double-pronunciation")) {
		t.Errorf("an entry twice: %d %s", status, b)
	}
}

// Another engine speaks by configuration alone.
func TestAnotherEngineSpeaksByConfiguration(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	var wav bytes.Buffer
	pcm, err := (&voice{}).Speak(t.Context(), speech.Request{})
	must(t, errors.Join(err, speech.WriteWAV(&wav, pcm)))
	must(t, os.WriteFile(filepath.Join(dir, "nam.wav"), wav.Bytes(), 0o600))
	engine := filepath.Join(dir, "engine")
	must(t, os.WriteFile(engine, []byte("#!/bin/sh\ncat >\"$2.heard\"\nexec cat \"$1\"\n"), 0o700))
	w := newWorld(t, func(c *config.Config) {
		c.Studio.Engine = config.Engine{
			Program: engine, Args: []string{"{voice}", filepath.Join(dir, "{rate}")},
			Voices: map[string]string{"north": "/nowhere", "south": filepath.Join(dir, "nam.wav")}, WPM: 150,
		}
	})
	b := w.ready(bulletin.Content{Text: "Xin chào bà con.", Options: bulletin.SoundOptions{Wanted: true, Voice: "south", Rate: 1.25}})
	if heard := readAll(t, filepath.Join(dir, "1.25.heard")); string(heard) != "xin chào bà con.\n" {
		t.Errorf("it heard %q", heard)
	}
	if b.Rendition.Length() < time.Second {
		t.Errorf("%s long", b.Rendition.Length())
	}
}

// A hub that ends while a sound is made makes it when it is back; nothing half made
// is ever seen.
func TestAnInterruptedSoundIsMadeAfterARestart(t *testing.T) {
	t.Parallel()
	v := &voice{may: make(chan struct{}), waits: true}
	w := speaking(t, v)
	b, err := w.Bulletins.Create(t.Context(), w.actor("soan"), bulletin.Content{
		Unit: commune, Class: protocol.ClassNormal, Text: strings.Repeat("Đề nghị bà con chú ý theo dõi. ", 80), Options: bulletin.SoundOptions{Wanted: true},
	}, bulletin.FromText)
	must(t, err)
	w.until("it is being spoken", func() bool { return len(v.pieces()) == 2 })
	w.stop()
	w.start()
	if b, err = w.Bulletins.Get(t.Context(), w.actor("soan"), b.ID); err != nil || b.State != bulletin.Preparing || b.Rendition != nil {
		t.Errorf("after the restart: %s, %v, %v", b.State, b.Rendition, err)
	}
	close(v.may)
	w.until("it is made", func() bool {
		b, err = w.Bulletins.Get(t.Context(), w.actor("soan"), b.ID)
		must(t, err)
		return b.State == bulletin.Ready
	})
	left, err := filepath.Glob(filepath.Join(w.config.Data, "renditions", "*"))
	if err != nil || len(left) > 0 {
		t.Errorf("left behind: %q, %v", left, err)
	}
}

// The same text under the same settings is made once; a changed pronunciation makes
// it anew.
func TestTheSameTextIsMadeOnce(t *testing.T) {
	t.Parallel()
	v := &voice{}
	w := speaking(t, v)
	content := bulletin.Content{Text: "Mời bà con họp thôn.", Options: bulletin.SoundOptions{Wanted: true}}
	first := w.ready(content)
	pieces := len(v.pieces())
	second := w.ready(content)
	if first.Rendition.Digest != second.Rendition.Digest || len(v.pieces()) != pieces {
		t.Errorf("%d pieces were spoken for the second, digests %s and %s", len(v.pieces())-pieces, first.Rendition.Digest, second.Rendition.Digest)
	}
	must(t, w.Bulletins.SetPronunciations(t.Context(), w.actor("soan"), commune, []bulletin.Pronunciation{{Written: "thôn", Said: "làng"}}))
	if third := w.ready(content); len(v.pieces()) == pieces || !strings.Contains(third.Rendition.Spoken, "làng") {
		t.Errorf("said %q", v.pieces())
	}
}

// A long text can be listened to while it is still being spoken.
func TestALongTextIsHeardWhileItIsSpoken(t *testing.T) {
	t.Parallel()
	v := &voice{may: make(chan struct{}), waits: true}
	w := speaking(t, v)
	b, err := w.Bulletins.Create(t.Context(), w.actor("soan"), bulletin.Content{
		Unit: commune, Class: protocol.ClassNormal, Text: strings.Repeat("Đề nghị bà con chú ý theo dõi. ", 80), Options: bulletin.SoundOptions{Wanted: true},
	}, bulletin.FromText)
	must(t, err)
	w.until("two pieces are asked for", func() bool { return len(v.pieces()) == 2 })
	c := w.client("soan")
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+w.WebAddr().String()+"/api/v1/bulletins/"+string(b.ID)+"/sound/growing", nil)
	must(t, err)
	resp, err := c.Do(req)
	must(t, err)
	head := make([]byte, 44+2*22050)
	if _, err := io.ReadFull(resp.Body, head); err != nil {
		t.Fatalf("status %d: %v", resp.StatusCode, err)
	}
	if _, err := speech.ParseWAV(head); err != nil {
		t.Error(err)
	}
	close(v.may)
	rest, err := io.ReadAll(resp.Body)
	must(t, errors.Join(err, resp.Body.Close()))
	if want := 2 * 22050 * (len(v.pieces()) - 1); len(rest) != want {
		t.Errorf("%d bytes after the first piece, want %d", len(rest), want)
	}
	if status, _ := c.do(http.MethodGet, "/bulletins/"+string(b.ID)+"/sound/growing", nil); status != http.StatusNotFound {
		t.Errorf("finished, and still growing: %d", status)
	}
}

// A recording is trimmed and repaired as its author asks; the original can be heard
// beside it. Languages that no voice speaks are recordings.
func TestARecordingIsTreatedAsItsAuthorAsks(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c := w.client("soan")
	original := readAll(t, filepath.Join("..", "..", "testdata", "bulletins", "05-hop-thon.mp3"))
	up := c.upload("hop.mp3", original)
	digest, err := protocol.ParseDigest(up.Digest)
	must(t, err)
	b := w.ready(bulletin.Content{Title: "Lus tshaj tawm", Language: "mww", Upload: digest, Options: bulletin.SoundOptions{Wanted: true, Repair: true, From: 1000, To: 4000}})
	if b.Language != "mww" || b.Rendition.Length() != 3*time.Second {
		t.Errorf("%s, %s long, want 3 s", b.Language, b.Rendition.Length())
	}
	status, got := c.do(http.MethodGet, "/bulletins/"+string(b.ID)+"/sound/original", nil)
	if status != http.StatusOK || !bytes.Equal(got, original) {
		t.Errorf("original: %d, %d bytes of %d", status, len(got), len(original))
	}
	// What is heard before approval is the file that devices get.
	status, got = c.do(http.MethodGet, "/bulletins/"+string(b.ID)+"/sound", nil)
	if status != http.StatusOK || protocol.DigestOf(got) != b.Rendition.Content.Digest {
		t.Errorf("preview: %d, %d bytes that are not the rendition's", status, len(got))
	}
	c.post("/bulletins", map[string]any{"unit": commune, "class": "normal", "text": "Nyob zoo", "language": "mww", "options": map[string]any{"wanted": true}}).
		refused(http.StatusUnprocessableEntity, "language-spoken")
	c.post("/bulletins", map[string]any{"unit": commune, "class": "normal", "text": "Xin chào", "language": "tiếng Việt", "options": map[string]any{"wanted": true}}).
		refused(http.StatusUnprocessableEntity, "language")
	c.post("/bulletins", map[string]any{"unit": commune, "class": "normal", "text": "Xin chào", "options": map[string]any{"wanted": true, "repair": true}}).
		refused(http.StatusUnprocessableEntity, "not-a-recording")
}
