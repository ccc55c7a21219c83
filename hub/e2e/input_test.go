package e2e

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/loa-vn/loa/hub"
	"github.com/loa-vn/loa/hub/bulletin"
	"github.com/loa-vn/loa/hub/config"
	"github.com/loa-vn/loa/protocol"
)

// client is a person at the running hub's API.
type client struct {
	w *world
	http.Client
}

// answer is what the API said.
type answer struct {
	t      *testing.T
	status int
	Code   string `json:"code"`
	Field  string `json:"field"`
	Vi     string `json:"detail_vi"`
	En     string `json:"detail_en"`
	Digest string `json:"digest"`
	ID     string `json:"id"`
}

func (w *world) client(person protocol.PersonID) *client {
	w.t.Helper()
	jar, err := cookiejar.New(nil)
	must(w.t, err)
	c := &client{w: w, Client: http.Client{Jar: jar, Timeout: 30 * time.Second}}
	if a := c.post("/sessions", map[string]any{"user": person, "password": password}); a.status >= 300 {
		w.t.Fatalf("log-in: %+v", a)
	}
	return c
}

func (c *client) post(path string, body any) answer {
	c.w.t.Helper()
	b, err := json.Marshal(body)
	must(c.w.t, err)
	return c.send(path, "application/json", int64(len(b)), bytes.NewReader(b))
}

func (c *client) upload(name string, b []byte) answer {
	c.w.t.Helper()
	return c.send("/uploads?name="+name, "application/octet-stream", int64(len(b)), bytes.NewReader(b))
}

func (c *client) send(path, kind string, length int64, body io.Reader) answer {
	t := c.w.t
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+c.w.WebAddr().String()+"/api/v1"+path, body)
	must(t, err)
	req.ContentLength = length
	req.Header.Set("Content-Type", kind)
	resp, err := c.Do(req)
	must(t, err)
	a := answer{t: t, status: resp.StatusCode}
	b, err := io.ReadAll(resp.Body)
	must(t, errors.Join(err, resp.Body.Close()))
	if err := json.Unmarshal(b, &a); err != nil && len(b) > 0 {
		t.Errorf("%s: not JSON: %.200s", path, b)
	}
	return a
}

// refused checks status and code ("" for any) and that both sentences say
// something of their own.
func (a answer) refused(status int, code string) {
	a.t.Helper()
	if a.status != status || a.Code == "" || (code != "" && a.Code != code) {
		a.t.Errorf("status %d %q (%s), want %d %q", a.status, a.Code, a.Vi, status, code)
	}
	if a.Vi == "" || a.En == "" || a.Vi == a.En {
		a.t.Errorf("%s says %q and %q", a.Code, a.Vi, a.En)
	}
}

// stored counts what bad input must leave alone.
func (w *world) stored() map[string]int {
	w.t.Helper()
	out := map[string]int{}
	for _, table := range []string{"bulletin", "statement", "airing", "upload", "plan", "background_job"} {
		var n int
		must(w.t, w.DB.Writer().QueryRowContext(w.t.Context(), "SELECT count(*) FROM "+table).Scan(&n))
		out[table] = n
	}
	return out
}

func (w *world) unchanged(before map[string]int) {
	w.t.Helper()
	for table, n := range w.stored() {
		if n != before[table] {
			w.t.Errorf("%d rows in %s, before %d", n, table, before[table])
		}
	}
}

// Text that can't be said is refused at once, with what to do, and leaves nothing.
func TestBadTextIsRefusedWithWhatToDo(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c := w.client("soan")
	for name, tc := range map[string]struct {
		text, vi string
		status   int
	}{
		"empty":               {"", "nội dung", 422},
		"only space":          {" \n\t  ", "nội dung", 422},
		"lone combining mark": {"họp \u0301 thôn", "dấu", 422},
		"control character":   {"họp\u0007thôn", "điều khiển", 422},
		"right-to-left":       {"họp \u202e thôn", "đảo chiều", 422},
		"200,000 characters":  {strings.Repeat("a ", 100_000), "", 422},
		"not Unicode":         {"h\xffp", "", 0},
	} {
		t.Run(name, func(t *testing.T) {
			w := w.in(t)
			c := &client{w: w, Client: c.Client}
			before := w.stored()
			a := c.post("/bulletins", map[string]any{
				"unit": commune, "class": "normal", "text": tc.text, "options": map[string]any{"wanted": true},
			})
			if tc.status == 0 { // JSON replaces it: what is stored is clean
				return
			}
			a.refused(tc.status, "")
			if !strings.Contains(a.Vi, tc.vi) || a.Field != "text" || !strings.Contains(a.Vi, "Hãy") {
				t.Errorf("field %q: %q, want a sentence with %q", a.Field, a.Vi, tc.vi)
			}
			w.unchanged(before)
		})
	}
}

// What can't be aired is refused when it is submitted, and nothing waits.
func TestBadWishesAreRefusedWithWhatToDo(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.device(speaker("loa-dong", "thon-dong", 1000))
	_, err := w.Registry.Import(t.Context(), strings.NewReader(strings.SplitN(villages, "\n", 2)[0]+
		"\nthon-cu,9900104,Thôn Cũ,village,xa-binh-an,2020-01-01,2025-07-01,100,UBND xã (mẫu),2024-06-30\n"), false, registrar, "quantri")
	must(t, err)
	b := w.ready(spokenText(1))
	c := w.client("soan")
	must(t, w.Publisher.Renew(t.Context())) // the plans that the new units need, which the hub would make in its own time
	start := time.Now().Add(time.Hour).In(w.Zone).Format("2006-01-02T15:04:05")
	for name, tc := range map[string]struct {
		wish         bulletin.Wish
		code, naming string
	}{
		"a start in the past":  {bulletin.Wish{When: bulletin.At, Start: "2020-01-01T05:00:00"}, "in-the-past", "đã qua"},
		"no date":              {bulletin.Wish{When: bulletin.At, Start: "ngày mai"}, "start", "Giờ phát"},
		"a rule by the second": {bulletin.Wish{When: bulletin.Rule, Start: start, Rule: "FREQ=SECONDLY"}, "rule", "FREQ"},
		"BYSETPOS":             {bulletin.Wish{When: bulletin.Rule, Start: start, Rule: "FREQ=MONTHLY;BYDAY=MO;BYSETPOS=1"}, "rule", "BYSETPOS"},
		"a unit that was":      {bulletin.Wish{When: bulletin.Now, Units: []protocol.UnitID{"thon-cu"}}, "unit-invalid", "Thôn Cũ"},
		"an unknown unit":      {bulletin.Wish{When: bulletin.Now, Units: []protocol.UnitID{"khong-co"}}, "unit", ""},
		"nobody there":         {bulletin.Wish{When: bulletin.Now, Units: []protocol.UnitID{"thon-trung"}}, "no-device", ""},
	} {
		t.Run(name, func(t *testing.T) {
			w := w.in(t)
			c := &client{w: w, Client: c.Client}
			if tc.wish.Units == nil {
				tc.wish.Units = []protocol.UnitID{commune}
			}
			before := w.stored()
			a := c.post("/bulletins/"+string(b.ID)+"/submit", tc.wish)
			a.refused(422, tc.code)
			if !strings.Contains(a.Vi, tc.naming) {
				t.Errorf("%q does not name %q", a.Vi, tc.naming)
			}
			w.unchanged(before)
		})
	}
}

// A file is believed for what it holds: what is no sound is refused with what to
// do, and a wrong ending is no harm.
func TestBadFilesAreRefusedWithWhatToDo(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(c *config.Config) { c.Studio.MaxUpload = 1 << 20 })
	c := w.client("soan")
	mp3 := filepath.Join(t.TempDir(), "a.flac")
	if out, err := exec.CommandContext(t.Context(), "ffmpeg", "-v", "error", "-f", "lavfi", "-i", "sine=frequency=440:duration=3", mp3).CombinedOutput(); err != nil {
		t.Fatalf("ffmpeg: %v: %s", err, out)
	}
	sound := readAll(t, mp3)

	before := w.stored()
	c.upload("rong.wav", nil).refused(422, "empty-upload")
	c.upload("to.wav", make([]byte, 1<<20+1)).refused(413, "too-large")
	w.unchanged(before)

	for name, tc := range map[string]struct {
		b  []byte
		vi string // "" for ready
	}{
		"a.wav that is text": {[]byte(strings.Repeat("đây không phải tiếng\n", 50)), "Hãy"},
		"a.flac cut off":     {sound[:len(sound)/2], "Hãy"},
		"a.txt that is flac": {sound, ""},
	} {
		up := c.upload("tep", tc.b)
		if up.status != http.StatusCreated {
			t.Errorf("%s: upload %+v", name, up)
			continue
		}
		a := c.post("/bulletins", map[string]any{"unit": commune, "class": "normal", "title": name, "upload": up.Digest, "options": map[string]any{"wanted": true}})
		if a.status != http.StatusCreated {
			t.Errorf("%s: bulletin %+v", name, a)
			continue
		}
		got := w.made(protocol.BulletinID(a.ID))
		if (tc.vi == "") != (got.State == bulletin.Ready) || !strings.Contains(got.Problem, tc.vi) {
			t.Errorf("%s: %s: %s", name, got.State, got.Problem)
		}
	}
	w.drops(sound)
}

// made waits until a bulletin's sound is made, or could not be.
func (w *world) made(id protocol.BulletinID) bulletin.Bulletin {
	w.t.Helper()
	var b bulletin.Bulletin
	w.until("the job has ended", func() bool {
		var err error
		b, err = w.Bulletins.Get(w.t.Context(), w.actor("soan"), id)
		must(w.t, err)
		return b.State != bulletin.Preparing
	})
	return b
}

// drops checks the drop folder: finished files go to done or, with the reason
// beside them, to rejected; a half-written file waits.
func (w *world) drops(sound []byte) {
	w.t.Helper()
	dir := filepath.Join(w.config.DropDir(), string(commune))
	half, err := os.Create(filepath.Join(dir, "dang-ghi.flac"))
	must(w.t, err)
	must(w.t, os.WriteFile(filepath.Join(dir, "tot.flac"), sound, 0o600))
	must(w.t, os.WriteFile(filepath.Join(dir, "xau.mp3"), []byte("không phải tiếng, không phải tiếng"), 0o600))
	there := func(path ...string) func() bool {
		return func() bool {
			_, err := os.Stat(filepath.Join(append([]string{w.config.Data}, path...)...))
			return err == nil
		}
	}
	n := 0
	written := func(done func() bool) func() bool {
		return func() bool {
			if n++; n < len(sound)/16 { // goes on growing while the others are taken
				_, err := half.Write(sound[n*16 : n*16+16])
				must(w.t, err)
			}
			return done()
		}
	}
	w.until("the good file is done", written(there("done", string(commune), "tot.flac")))
	w.until("the bad file is rejected", written(there("rejected", string(commune), "xau.mp3")))
	w.until("the reason is beside it", there("rejected", string(commune), "xau.mp3.reason.txt"))
	if reason := string(readAll(w.t, filepath.Join(w.config.Data, "rejected", string(commune), "xau.mp3.reason.txt"))); !strings.Contains(reason, "Hãy") {
		w.t.Errorf("the reason is %q", reason)
	}
	if there("done", string(commune), "dang-ghi.flac")() || there("rejected", string(commune), "dang-ghi.flac")() {
		w.t.Error("a half-written file was taken")
	}
	_, err = half.WriteAt(sound, 0)
	must(w.t, errors.Join(err, half.Truncate(int64(len(sound))), half.Close()))
	w.until("the finished file is done", there("done", string(commune), "dang-ghi.flac"))
}

// A tool that is missing or hangs fails the job with its reason; after mending,
// the job can be tried again.
func TestAJobThatFailedCanBeTriedAgain(t *testing.T) {
	t.Parallel()
	for _, tool := range []string{"espeak-ng", "ffmpeg"} {
		t.Run(tool, func(t *testing.T) {
			t.Parallel()
			script := filepath.Join(t.TempDir(), tool)
			w := newWorld(t, func(c *config.Config) {
				if tool == "ffmpeg" {
					c.Studio.FFmpeg = script
				} else {
					c.Studio.Espeak = script
				}
			})
			c := w.client("soan")
			a := c.post("/bulletins", map[string]any{"unit": commune, "class": "normal", "text": text, "options": map[string]any{"wanted": true}})
			id := protocol.BulletinID(a.ID)
			b := w.made(id)
			if b.State != bulletin.Failed || !strings.Contains(b.Problem, "chưa cài") {
				t.Fatalf("missing: %s: %s", b.State, b.Problem)
			}
			retry := func(lines string) bulletin.Bulletin {
				must(t, os.WriteFile(script, []byte("#!/bin/sh\n"+lines+"\n"), 0o700))
				j, err := w.Jobs.Of(t.Context(), a.ID)
				must(t, err)
				if j.State != "failed" || j.Vi == "" || j.En == "" {
					t.Errorf("job is %s: %q", j.State, j.Vi)
				}
				if got := c.post("/jobs/"+j.ID+"/retry", nil); got.status >= 300 {
					t.Fatalf("retry: %+v", got)
				}
				w.until("it was tried again", func() bool {
					j, err := w.Jobs.Get(t.Context(), j.ID)
					must(t, err)
					return j.State == "failed" || j.State == "done"
				})
				return w.made(id)
			}
			// The limit is short only while a tool hangs; the hub knows the job that failed
			// whenever it starts again.
			limited := func(d time.Duration) {
				w.stop()
				w.config.Studio.Timeout = d
				w.start()
			}
			usual := w.config.Studio.Timeout
			limited(5 * time.Second)
			began := time.Now()
			if b := retry("exec sleep 600"); b.State != bulletin.Failed || !strings.Contains(b.Problem, "quá lâu") {
				t.Errorf("hanging: %s: %s", b.State, b.Problem)
			}
			t.Logf("a hanging %s ended after %s", tool, time.Since(began))
			limited(usual)
			if b := retry("exec " + tool + ` "$@"`); b.State != bulletin.Ready {
				t.Errorf("mended: %s: %s", b.State, b.Problem)
			}
		})
	}
}

// A taken port and an unknown key are named.
func TestSettingsAtFaultAreNamed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.stop()
	w.config.MQTT.Listen = "127.0.0.1:0" // nobody comes back to the port that it had, which may be somebody else's by now
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	for key, set := range map[string]func(*config.Config){
		"mqtt.listen":    func(c *config.Config) { c.MQTT.Listen = ln.Addr().String() },
		"console.listen": func(c *config.Config) { c.Console.Listen = ln.Addr().String() },
		"enrol.listen":   func(c *config.Config) { c.Enrol.Listen = ln.Addr().String() },
	} {
		c := w.config
		set(&c)
		if h, err := hub.New(t.Context(), c, hub.Options{Log: w.log.logger()}); err == nil {
			must(t, h.Close())
			t.Errorf("%s: the hub has begun", key)
		} else if !strings.Contains(err.Error(), key) {
			t.Errorf("%s: %v", key, err)
		}
	}
	must(t, ln.Close())
	w.start()

	file := filepath.Join(t.TempDir(), "hub.yaml")
	must(t, os.WriteFile(file, []byte("console:\n  listen: \":8080\"\n  lissten: \":8081\"\n"), 0o600))
	if _, err := config.Load(file, nil); !errors.Is(err, config.ErrInvalid) || !strings.Contains(err.Error(), "lissten") || !strings.Contains(err.Error(), "line 3") {
		t.Errorf("an unknown key: %v", err)
	}
}
