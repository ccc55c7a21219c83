package killing

import (
	"cmp"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/loa-vn/loa/hub/e2e/tracer"
	"github.com/loa-vn/loa/protocol"
)

// story is a way through the path that a run takes.
type story struct {
	name   string
	direct bool // content over HTTPS
	fresh  bool // the device is not enrolled yet
	tell   func(*run, context.Context) ([]expected, error)
}

func stories() []story {
	return []story{
		{name: "bulletin", tell: (*run).bulletin},
		{name: "bulletin over HTTPS", direct: true, tell: (*run).bulletin},
		{name: "emergency", tell: (*run).alarm},
		{name: "new device", fresh: true, tell: (*run).recording},
	}
}

// bulletin: one is written, made, approved and played; another is stopped while it
// plays.
func (r *run) bulletin(ctx context.Context) ([]expected, error) {
	q, err := r.submit(ctx, content("normal", "Mời bà con họp."), wish(nil), "the bulletin")
	if err != nil {
		return nil, err
	}
	if err := r.approve(ctx, q, "duyet1"); err != nil {
		return nil, err
	}
	played := expected{request: q, outcomes: []string{"played"}, exact: true}
	if err := r.settled(ctx, &played); err != nil {
		return nil, err
	}
	if err := r.approve(ctx, r.g.stopped, "duyet2"); err != nil {
		return nil, err
	}
	// If it takes the stop too long to get there, it has played.
	stopped := expected{request: r.g.stopped, outcomes: []string{"cut", "skipped", "played"}, exact: true}
	if err := r.begun(ctx, stopped.request); err != nil {
		return nil, err
	}
	key := newKey("stop")
	if err := r.persist(ctx, "it is stopped", func() error {
		return r.call(ctx, "duyet1", http.MethodPost, "/stops", key, map[string]any{"unit": commune}, nil)
	}); err != nil {
		return nil, err
	}
	return []expected{played, stopped}, r.settled(ctx, &stopped)
}

// alarm: a bulletin is cut by an emergency, and comes back.
func (r *run) alarm(ctx context.Context) ([]expected, error) {
	if err := r.approve(ctx, r.g.stopped, "duyet2"); err != nil {
		return nil, err
	}
	if err := r.begun(ctx, r.g.stopped); err != nil {
		return nil, err
	}
	if err := r.approve(ctx, r.g.emergency, "duyet2"); err != nil {
		return nil, err
	}
	emergency := expected{request: r.g.emergency, outcomes: []string{"played"}}
	if err := r.settled(ctx, &emergency); err != nil {
		return nil, err
	}
	back := expected{request: r.g.stopped, outcomes: []string{"played"}, exact: true}
	return []expected{emergency, back}, r.settled(ctx, &back)
}

// enrolled has the device enrol with a new claim, and again until it has.
func (r *run) enrolled(ctx context.Context) error {
	if err := os.RemoveAll(r.path("loa", "identity")); err != nil {
		return err
	}
	var c struct{ Claim string }
	if err := r.persist(ctx, "a claim is made", func() error {
		return r.call(ctx, admin, http.MethodPost, "/claims", "", map[string]any{"device": device}, &c)
	}); err != nil {
		return err
	}
	r.args.Store([]string{"enrol", "--hub", r.enrol, "--claim", c.Claim})
	r.act.Store("it enrols")
	for {
		if err := r.start("agent"); err != nil {
			return err
		}
		<-r.proc("agent").Done()
		select {
		case <-r.hit:
			<-r.ready // it has been started again
			<-r.proc("agent").Done()
		default:
		}
		// One that was killed after it had it is told that it is enrolled already.
		if _, err := os.Stat(r.path("loa", "identity", "identity.json")); err == nil {
			break
		}
		select {
		case <-ctx.Done():
			return errors.New("not in time: it enrols")
		case <-time.After(look):
		}
	}
	r.args.Store([]string{"run"})
	return nil
}

// recording: a device that has just been enrolled is moved, and plays a recording.
func (r *run) recording(ctx context.Context) ([]expected, error) {
	if err := r.persist(ctx, "it is moved", func() error {
		return r.call(ctx, admin, http.MethodPut, "/devices/"+string(device)+"/placement", "", map[string]any{
			"name": "Loa", "unit": "thon-doai", "serves": []map[string]any{{"village": "thon-doai", "share": 1}}, "registrar_password": password,
		}, nil)
	}); err != nil {
		return nil, err
	}
	var up struct{ Digest string }
	if err := r.persist(ctx, "a recording is uploaded", func() error {
		return r.call(ctx, "soan", http.MethodPost, "/uploads?name=a.wav", "", tone(), &up)
	}); err != nil {
		return nil, err
	}
	c := content("normal", "")
	c["upload"] = up.Digest
	q, err := r.submit(ctx, c, wish(nil), "the recording")
	if err != nil {
		return nil, err
	}
	if err := r.approve(ctx, q, "duyet1"); err != nil {
		return nil, err
	}
	played := expected{request: q, outcomes: []string{"played"}, exact: true}
	return []expected{played}, r.settled(ctx, &played)
}

// tone is a WAV of a second and a half.
func tone() []byte {
	pcm := make([]byte, 0, 3*protocol.SoundRate)
	for i := range 3 * protocol.SoundRate / 2 {
		pcm = binary.LittleEndian.AppendUint16(pcm, uint16(int16(8000*math.Sin(float64(i)*2*math.Pi*440/protocol.SoundRate))))
	}
	h := []byte("RIFF\x00\x00\x00\x00WAVEfmt \x10\x00\x00\x00\x01\x00\x01\x00\x80\xbb\x00\x00\x00\x77\x01\x00\x02\x00\x10\x00data\x00\x00\x00\x00")
	binary.LittleEndian.PutUint32(h[4:], uint32(36+len(pcm)))
	binary.LittleEndian.PutUint32(h[40:], uint32(len(pcm)))
	return append(h, pcm...)
}

// reach asks what became of a bulletin.
func (r *run) reach(ctx context.Context, bulletin string) ([]line, error) {
	var b struct{ Lines []line }
	err := r.call(ctx, "soan", http.MethodGet, "/bulletins/"+bulletin+"/reach", "", nil, &b)
	return b.Lines, err
}

// begun waits until some of a bulletin has sounded, or it is over.
func (r *run) begun(ctx context.Context, q request) error {
	return r.until(ctx, "it sounds", func() (bool, error) {
		lines, err := r.reach(ctx, q.bulletin)
		if err != nil || len(lines) == 0 {
			return false, err
		}
		files, err := filepath.Glob(r.path("loa", "out", "sound", lines[0].Airing+"-*.wav"))
		for _, f := range files {
			if info, err := os.Stat(f); err == nil && info.Size() > 20_000 {
				return true, nil
			}
		}
		return lines[0].Outcome != "ahead" && lines[0].Outcome != "unknown", err
	})
}

// settled waits for a bulletin's outcome.
func (r *run) settled(ctx context.Context, x *expected) error {
	return r.until(ctx, "its outcome", func() (bool, error) {
		lines, err := r.reach(ctx, x.bulletin)
		x.lines = lines
		for _, l := range lines {
			if l.Outcome == "ahead" || l.Outcome == "unknown" {
				return false, err
			}
		}
		return len(lines) > 0, err
	})
}

// through runs a story, under the run's fault, and compares.
func (r *run) through(s story) error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	go r.strike()
	want, err := r.told(ctx, s)
	r.end()
	if err != nil {
		return err
	}
	r.consistent("at the end")
	return r.compare(ctx, want)
}

// told runs a story until every receipt is acknowledged.
func (r *run) told(ctx context.Context, s story) ([]expected, error) {
	if err := r.start("hub"); err != nil {
		return nil, err
	}
	if s.fresh {
		if err := r.enrolled(ctx); err != nil {
			return nil, err
		}
	}
	if err := r.start("agent"); err != nil {
		return nil, err
	}
	type state struct {
		State   string
		Unacked int
	}
	var d state
	if err := r.until(ctx, "the device comes online", func() (bool, error) {
		err := r.call(ctx, "soan", http.MethodGet, "/devices/"+string(device), "", nil, &d)
		return d.State == "online", err
	}); err != nil {
		return nil, err
	}
	want, err := s.tell(r, ctx)
	if err != nil {
		return nil, err
	}
	return want, r.until(ctx, "every receipt is acknowledged", func() (bool, error) {
		var d state
		err := r.call(ctx, "soan", http.MethodGet, "/devices/"+string(device), "", nil, &d)
		return err == nil && d.State == "online" && d.Unacked == 0, err
	})
}

// sighting is a place as the first runs met it.
type sighting struct {
	place place
	story story
	seen  int  // at least, in each run that met it
	sure  bool // both runs of the story met it
}

// listed runs each story twice without a fault and lists the places, each with the
// first story that meets it twice, or once if none does.
func (g *ground) listed(t *testing.T, of []story) []sighting {
	t.Helper()
	runs := make([][2]*run, len(of))
	t.Run("places", func(t *testing.T) {
		for i, s := range of {
			for j := range runs[i] {
				t.Run(s.name, func(t *testing.T) {
					t.Parallel()
					r := g.newRun(t, s.direct, nil)
					runs[i][j] = r
					must(t, r.through(s))
					for _, p := range r.problems {
						t.Error(p)
					}
				})
			}
		}
	})
	if t.Failed() {
		t.FailNow()
	}
	var list []sighting
	at := map[place]int{}
	for i, s := range of {
		for j, r := range runs[i] {
			for _, p := range append(slices.Clone(r.places["hub"]), r.places["agent"]...) {
				seen, other := r.counts[p], runs[i][1-j].counts[p]
				one := sighting{place: p, story: s, seen: seen, sure: other > 0}
				if one.sure {
					one.seen = min(seen, other)
				}
				n, known := at[p]
				switch {
				case !known:
					at[p] = len(list)
					list = append(list, one)
				case one.sure && !list[n].sure:
					list[n] = one
				}
			}
		}
	}
	return list
}

// fates are what a place meets, and at which of its occurrences.
func (s sighting) fates() []meeting {
	first, middle, last := 1, (s.seen+1)/2, s.seen
	list := []meeting{{tracer.Kill, first}, {tracer.Kill, middle}, {tracer.Kill, last}}
	if s.place.splits {
		list = append(list, meeting{tracer.Torn, first}, meeting{tracer.Torn, last})
	}
	if s.place.onDisk() {
		list = append(list, meeting{tracer.Cut, first})
		if strings.HasSuffix(s.place.call, "sync") {
			list = append(list, meeting{tracer.Cut, last}) // with all that is written and not durable
		}
		if !strings.HasPrefix(s.place.call, "unlink") {
			list = append(list, meeting{tracer.Refuse, first})
		}
	}
	slices.SortFunc(list, func(a, b meeting) int { return cmp.Or(cmp.Compare(a.fate, b.fate), cmp.Compare(a.nth, b.nth)) })
	return slices.Compact(list)
}

// meeting is a fate at the n-th time.
type meeting struct {
	fate tracer.Fate
	nth  int
}

func (m meeting) String() string {
	return fmt.Sprintf("%s at %d", map[tracer.Fate]string{
		tracer.Kill: "kill", tracer.Torn: "torn write", tracer.Cut: "power cut", tracer.Refuse: "full disk",
	}[m.fate], m.nth)
}

// row is one line of the report.
type row struct {
	sighting
	meeting
	met      int // at which occurrence; 0 for never
	problems []string
}

// matrix meets places with fates, many at once, and returns what came of it.
type matrix struct {
	ground *ground
	mu     sync.Mutex
	rows   []row
}

// meet is one subtest: a fate at a place. A run may meet the place less often than
// the first did; then it is looked for earlier.
func (m *matrix) meet(t *testing.T, s sighting, f meeting) {
	t.Run(fmt.Sprintf("%s %s", f, s.place), func(t *testing.T) {
		t.Parallel()
		out := row{sighting: s, meeting: f}
		for nth, tries := f.nth, 0; tries < 3 && out.met == 0; nth, tries = max(1, nth/2), tries+1 {
			r := m.ground.newRun(t, s.story.direct, &fault{program: s.place.program, place: s.place, nth: nth, fate: f.fate})
			err := r.through(s.story)
			if err != nil {
				r.wrong("%v", err)
			}
			select {
			case <-r.hit:
				out.met = nth
			default:
			}
			out.problems = append(out.problems, r.problems...)
			for _, p := range r.problems {
				t.Errorf("%s: %s", t.Name(), p)
			}
			must(t, os.RemoveAll(r.dir))
		}
		m.mu.Lock()
		defer m.mu.Unlock()
		m.rows = append(m.rows, out)
	})
}

// report writes the table, and fails if too much was not met.
func (m *matrix) report(t *testing.T, file string) {
	t.Helper()
	var missed, missedSure, wrong int
	var b strings.Builder
	slices.SortFunc(m.rows, func(x, y row) int {
		return cmp.Or(cmp.Compare(x.place.String(), y.place.String()), cmp.Compare(x.fate, y.fate), cmp.Compare(x.nth, y.nth))
	})
	for _, r := range m.rows {
		result := "0 lost, 0 twice"
		switch {
		case len(r.problems) > 0:
			wrong++
			result = "WRONG: " + strings.ReplaceAll(strings.Join(r.problems, "; "), "|", "/")
		case r.met == 0:
			missed++
			if r.sure {
				missedSure++
			}
			result = "not met again"
		case r.met != r.nth:
			result += fmt.Sprintf(" (met at %d)", r.met)
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %d | %s | %s |\n", r.place.program, r.place.call, r.place.file, r.place.by, r.seen, r.meeting, result)
	}
	t.Logf("%d fates: %d wrong, %d not met again", len(m.rows), wrong, missed)
	if missedSure*20 > len(m.rows) {
		t.Errorf("%d of %d fates were not met, though every run comes by their places", missedSure, len(m.rows))
	}
	if file == "" {
		return
	}
	head := fmt.Sprintf("# Kill matrix\n\n%d fates; %d wrong, %d not met again.\n\n| program | call | file | by | seen | fate | result |\n|---|---|---|---|---|---|---|\n", len(m.rows), wrong, missed)
	must(t, os.MkdirAll(filepath.Dir(file), 0o755))
	must(t, os.WriteFile(file, []byte(head+b.String()), 0o644))
}

// pairs are all places with all that they meet, in no order: a run that is broken off
// has seen something of everything.
func pairs(list []sighting) []row {
	var all []row
	for _, s := range list {
		for _, f := range s.fates() {
			all = append(all, row{sighting: s, meeting: f})
		}
	}
	rand.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	return all
}

// onlyEnv is a regular expression: only fates whose name it matches are tried.
const onlyEnv = "LOA_KILL"

// TestSoakKillMatrix meets every place where the hub or the agent writes or sends
// with every fate. The report is bin/kill-matrix.md.
func TestSoakKillMatrix(t *testing.T) {
	if os.Getenv("LOA_SOAK") == "" {
		t.Skip("takes an hour; make soak")
	}
	only, err := regexp.Compile(os.Getenv(onlyEnv))
	must(t, err)
	m := &matrix{ground: newGround(t)}
	list := m.ground.listed(t, stories())
	all := pairs(list)
	t.Run("fates", func(t *testing.T) {
		for _, one := range all {
			if only.MatchString(fmt.Sprintf("%s %s", one.meeting, one.place)) {
				m.meet(t, one.sighting, one.meeting)
			}
		}
	})
	m.report(t, filepath.Join("..", "..", "..", "bin", "kill-matrix.md"))
}

// sampled is how many fates the sample tries.
const sampled = 20

// TestEveryPlaceSurvivesASample is a sample of the matrix, another one each time: what
// fails is named, and is tried again with LOA_SOAK=1 LOA_KILL='that name'.
func TestEveryPlaceSurvivesASample(t *testing.T) {
	if testing.Short() {
		t.Skip("takes a minute")
	}
	m := &matrix{ground: newGround(t)}
	all := pairs(m.ground.listed(t, stories()[:1]))
	t.Run("fates", func(t *testing.T) {
		for _, one := range all[:min(sampled, len(all))] {
			m.meet(t, one.sighting, one.meeting)
		}
	})
	m.report(t, "")
}
