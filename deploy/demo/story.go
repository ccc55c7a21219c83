package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/goccy/go-yaml"
)

// Who meets what.
const (
	cutOff = "loa-trung" // loses its network during a play
	killed = "loa-doai"  // loses its power during a play
)

// powerLost is how long killed plays before.
const powerLost = 6 * time.Second

// lead is how long "now" takes to begin: the hub's word, 500 ms after publication.
const lead = 500 * time.Millisecond

// sample is a bulletin of testdata/bulletins.
type sample struct {
	Title     string `yaml:"title"`
	Class     string `yaml:"class"`
	Text      string `yaml:"text"`
	Board     string `yaml:"board"`
	Drill     bool   `yaml:"drill"`
	Recording string `yaml:"recording"`
}

// readSample reads one; an unknown key is an error.
func readSample(file string) (sample, error) {
	var s sample
	b, err := os.ReadFile(file)
	if err != nil {
		return s, err
	}
	if err := yaml.UnmarshalWithOptions(b, &s, yaml.Strict()); err != nil {
		return s, fmt.Errorf("%s: %w", file, err)
	}
	return s, nil
}

// item is a bulletin of the story.
type item struct {
	key    string // its sample's name
	sample sample
	origin string // how it is to have come in
	body   bulletinBody
	sent   []int16             // its sound as devices get it, decoded
	pages  map[string][]layout // by board: before and after the signature
	airing string
}

// wish is the airing that is asked for.
type wish map[string]any

// content is what an author writes.
func (it *item) content() map[string]any {
	s := it.sample
	return map[string]any{
		"unit": communeID, "class": s.Class, "title": s.Title, "text": s.Text, "board": s.Board,
		"options": map[string]any{"wanted": s.Text != "", "drill": s.Drill},
	}
}

// load reads a sample and gives it its place in the story.
func (d *demo) load(key, origin string) (*item, error) {
	s, err := readSample(filepath.Join(d.opt.samples, key+".yaml"))
	if err != nil {
		return nil, err
	}
	it := &item{key: key, sample: s, origin: origin, pages: map[string][]layout{}}
	d.mu.Lock()
	d.items = append(d.items, it)
	d.mu.Unlock()
	return it, nil
}

// story is what came in.
type story struct{ typed, notice, recorded, dropped, sent, drill *item }

// bringIn brings bulletins in by all four ways, and waits until their sounds are
// made.
func (d *demo) bringIn(ctx context.Context) (s story, err error) {
	d.scr.title("Bản tin vào bằng bốn đường", "Bulletins come in by four ways")
	for _, n := range []struct {
		to          **item
		key, origin string
	}{
		{&s.typed, "01-tiem-chung", "text"},
		{&s.notice, "03-thu-gom-rac", "text"},
		{&s.recorded, "05-hop-thon", "sound"},
		{&s.dropped, "06-lich-xuong-giong", "drop"},
		{&s.sent, "02-cat-dien", "api"},
		{&s.drill, "04-dien-tap-lu", "text"},
	} {
		if *n.to, err = d.load(n.key, n.origin); err != nil {
			return s, err
		}
	}
	if err := d.drop(s.dropped); err != nil { // first: a file is finished when it has not changed for 2 s
		return s, err
	}
	for _, it := range []*item{s.typed, s.notice, s.drill} {
		if err := d.soan.call(ctx, http.MethodPost, "/bulletins", it.content(), &it.body); err != nil {
			return s, err
		}
	}
	d.scr.say("1. soan gõ chữ: «"+s.typed.sample.Title+"», «"+s.notice.sample.Title+"» (chỉ bảng), «"+s.drill.sample.Title+"» (diễn tập)", "typed in a session")
	if err := d.record(ctx, s.recorded); err != nil {
		return s, err
	}
	if err := d.byToken(ctx, s.sent); err != nil {
		return s, err
	}
	for _, it := range []*item{s.typed, s.notice, s.recorded, s.sent, s.drill, s.dropped} {
		if err := d.ready(ctx, it); err != nil {
			return s, err
		}
	}
	return s, nil
}

// drop puts a file into the drop folder, as another program would.
func (d *demo) drop(it *item) error {
	b, err := os.ReadFile(filepath.Join(d.opt.samples, it.sample.Recording))
	if err != nil {
		return err
	}
	dir := d.path("hub", "drop", communeID)
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return err
	}
	name := it.sample.Title + filepath.Ext(it.sample.Recording)
	d.scr.say("2. Thư mục thả tệp: "+name, "a file in the drop folder")
	return os.WriteFile(filepath.Join(dir, name), b, 0o640)
}

// record uploads a recording and makes a bulletin of it.
func (d *demo) record(ctx context.Context, it *item) error {
	b, err := os.ReadFile(filepath.Join(d.opt.samples, it.sample.Recording))
	if err != nil {
		return err
	}
	digest, err := d.soan.upload(ctx, it.sample.Recording, b)
	if err != nil {
		return err
	}
	content := it.content()
	content["upload"] = digest
	d.scr.say(fmt.Sprintf("3. soan tải bản ghi âm lên: %s, %d KB", it.sample.Recording, len(b)>>10), "an uploaded recording")
	return d.soan.call(ctx, http.MethodPost, "/bulletins", content, &it.body)
}

// byToken makes a bulletin through the API, with a token instead of a session.
func (d *demo) byToken(ctx context.Context, it *item) error {
	var made struct {
		Secret string `json:"secret"`
	}
	if err := d.soan.call(ctx, http.MethodPost, "/tokens", map[string]any{"name": "phan mem dien luc (mau)", "days": 1}, &made); err != nil {
		return err
	}
	d.program = &caller{base: d.soan.base, client: &http.Client{Timeout: 30 * time.Second}, token: made.Secret}
	d.scr.say("4. Phần mềm khác gửi qua API: «"+it.sample.Title+"»", "another program, by API token")
	return d.program.call(ctx, http.MethodPost, "/bulletins", it.content(), &it.body)
}

// ready waits until a bulletin's sound is made, and fetches it.
func (d *demo) ready(ctx context.Context, it *item) error {
	err := d.until(ctx, 45*time.Second, "«"+it.sample.Title+"» is ready", func() (bool, error) {
		if it.body.ID == "" { // from the drop folder: the hub gives the id
			all, err := get[[]bulletinBody](ctx, d.soan, "/bulletins")
			if err != nil {
				return false, err
			}
			for _, b := range all {
				if b.Origin == it.origin {
					it.body = b
				}
			}
			if it.body.ID == "" {
				return false, nil
			}
		}
		var err error
		if it.body, err = get[bulletinBody](ctx, d.soan, "/bulletins/"+it.body.ID); err != nil {
			return false, err
		}
		if it.body.State == "failed" {
			return false, errors.New(it.body.Problem)
		}
		return it.body.State != "preparing", nil
	})
	if err != nil {
		return err
	}
	if it.body.Origin != it.origin || it.body.Title != it.sample.Title {
		return fmt.Errorf("%s came in as %q by %q: %w", it.key, it.body.Title, it.body.Origin, errChecks)
	}
	if it.body.Sound != nil {
		if it.sent, err = d.decode(ctx, it.body.ID); err != nil {
			return err
		}
	}
	d.scr.say(fmt.Sprintf("Đã sẵn sàng: «%s», %.1f giây", it.sample.Title, seconds(len(it.sent))), "ready")
	return nil
}

// decode fetches the very sound that devices get, and decodes it by another
// decoder than theirs: libopus, since ffmpeg's own is late by a part of a frame.
func (d *demo) decode(ctx context.Context, bulletin string) ([]int16, error) {
	ogg, err := d.soan.send(ctx, http.MethodGet, "/bulletins/"+bulletin+"/sound", "", nil)
	if err != nil {
		return nil, err
	}
	pcm, err := command(ctx, nil, ogg, "ffmpeg", "-v", "error", "-c:a", "libopus", "-i", "pipe:0", "-f", "s16le", "-ac", "1", "-ar", fmt.Sprint(rate), "pipe:1")
	return samples(pcm), err
}

// air submits a bulletin with a wish and has it signed; it returns in which time
// the last signature fell.
func (d *demo) air(ctx context.Context, author *caller, it *item, w wish, approvers ...*caller) (span, error) {
	id, err := d.submit(ctx, author, it, w)
	if err != nil {
		return span{}, err
	}
	var signed span
	for _, a := range approvers {
		if signed, err = d.sign(ctx, it, id, a); err != nil {
			return span{}, err
		}
	}
	return signed, nil
}

// submit asks for the approval of a bulletin and returns the request's id.
func (d *demo) submit(ctx context.Context, author *caller, it *item, w wish) (string, error) {
	var p struct {
		Sentence sentence `json:"sentence"`
	}
	if err := author.call(ctx, http.MethodPost, "/bulletins/"+it.body.ID+"/preview", w, &p); err != nil {
		return "", err
	}
	d.scr.say("«"+it.sample.Title+"» trình duyệt: "+p.Sentence.Vi, p.Sentence.En)
	var a approvalBody
	err := author.call(ctx, http.MethodPost, "/bulletins/"+it.body.ID+"/submit", w, &a)
	return a.ID, err
}

// sign has one approver sign. With the last signature needed it is on air: its
// pages are fetched, before and after, and its airing is looked up.
func (d *demo) sign(ctx context.Context, it *item, request string, approver *caller) (span, error) {
	who := people()[1]
	if approver == d.duyet2 {
		who = people()[2]
	}
	if err := d.layOut(ctx, it); err != nil {
		return span{}, err
	}
	var a approvalBody
	signed := span{from: time.Now()}
	err := approver.call(ctx, http.MethodPost, "/approvals/"+url.PathEscape(request)+"/approve", map[string]string{"password": who.password}, &a)
	signed.to = time.Now()
	if err != nil {
		return signed, err
	}
	d.scr.say(fmt.Sprintf("%s đã ký duyệt (%d/%d)", who.id, len(a.Signed), a.Needed), "signed")
	if a.State != "approved" {
		return signed, nil
	}
	if err := d.layOut(ctx, it); err != nil {
		return signed, err
	}
	since := url.QueryEscape(time.Now().Add(-time.Hour).Format(time.RFC3339))
	airings, err := get[[]airingBody](ctx, d.soan, "/airings?since="+since)
	for _, air := range airings {
		if air.Bulletin == it.body.ID {
			d.mu.Lock()
			it.airing = air.ID
			d.mu.Unlock()
		}
	}
	if err == nil && it.airing == "" {
		err = fmt.Errorf("«%s» was approved, and has no airing: %w", it.sample.Title, errChecks)
	}
	return signed, err
}

// layOut fetches how a bulletin looks on each board.
func (d *demo) layOut(ctx context.Context, it *item) error {
	if it.sample.Board == "" {
		return nil
	}
	for _, v := range devices() {
		if v.board == nil {
			continue
		}
		p, err := d.soan.pages(ctx, it.body.ID, *v.board)
		if err != nil {
			return err
		}
		it.pages[v.id] = append(it.pages[v.id], p)
	}
	return nil
}

// expect puts an airing on the driver's own list: every device in the units owes
// an outcome for each medium that it shares with the bulletin.
func (d *demo) expect(it *item, start span, units []string, outcome, reason string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, v := range devices() {
		if !v.within(units) {
			continue
		}
		w := wanted{bulletin: it.key, device: v.id, start: start, outcome: outcome, reason: reason}
		if v.driver != "" && it.sent != nil {
			s := w
			s.medium, s.frames = "sound", it.body.Sound.Frames
			switch {
			case outcome == "cut":
				s.frames, s.most = rate, it.body.Sound.Frames-1
			case it.origin == "drop" && v.id == killed:
				// What sounded just before its power went is not proved to the device itself.
				s.frames -= int64(powerLost / time.Second * rate)
			}
			if it.sample.Drill {
				s.voice = "delivered"
			}
			d.list = append(d.list, s)
		}
		if v.board != nil && it.sample.Board != "" {
			b := w
			b.medium = "board"
			d.list = append(d.list, b)
		}
	}
}

// local writes an instant as a wish wants it.
func (d *demo) local(t time.Time) string { return t.In(d.zone).Format("2006-01-02T15:04:05") }

// soon is the full second at least so far ahead.
func soon(after time.Duration) time.Time {
	return time.Now().Add(after).Truncate(time.Second).Add(time.Second)
}

// exactly is an instant as a span.
func exactly(t time.Time) span { return span{t, t} }

// published is when something aired "now" starts: when it was published, which is
// while it was signed, and the lead.
func published(signed span, lead time.Duration) span {
	return span{signed.from.Add(lead - time.Millisecond), signed.to.Add(lead)}
}

// length is how long a bulletin's sound lasts.
func (it *item) length() time.Duration {
	return time.Duration(len(it.sent)) * time.Second / rate
}

// play tells the story up to the last outcome.
func (d *demo) play(ctx context.Context, s story) error {
	all := []string{communeID}
	d.scr.title("Lên sóng", "On air")
	// Later ones are signed first, for approving takes no part of their time.
	begin := time.Now()
	second := soon(s.typed.length() + 8*time.Second)
	third := second.Add(s.recorded.length().Round(time.Second) + 5*time.Second)
	few := []string{"thon-doai", "thon-trung"}
	if _, err := d.air(ctx, d.soan, s.recorded, wish{"units": few, "when": "at", "start": d.local(second)}, d.duyet1); err != nil {
		return err
	}
	d.expect(s.recorded, exactly(second), few, "played", "")
	if _, err := d.air(ctx, d.soan, s.dropped, wish{
		"units": all, "when": "rule", "start": d.local(third), "rule": "FREQ=DAILY;COUNT=3", "after_cut": "resume",
	}, d.duyet2); err != nil {
		return err
	}
	d.expect(s.dropped, exactly(third), all, "played", "") // tomorrow's are not of this run
	for _, it := range []*item{s.typed, s.notice} {
		signed, err := d.air(ctx, d.soan, it, wish{"units": all, "when": "now"}, d.duyet1)
		if err != nil {
			return err
		}
		d.expect(it, published(signed, lead), all, "played", "")
	}
	if late := time.Since(begin); late > 8*time.Second {
		return fmt.Errorf("signing four bulletins took %s on this machine; nothing is free for the rest", late)
	}
	d.scr.show()
	if err := d.loseNetwork(ctx, second); err != nil {
		return err
	}
	if err := d.losePower(ctx, third); err != nil {
		return err
	}
	if err := d.until(ctx, 60*time.Second, "all of this has its outcome", d.allSettled); err != nil {
		return err
	}
	d.scr.show()
	return d.practise(ctx, s)
}

// loseNetwork takes a device's network away while it plays, and gives it back.
func (d *demo) loseNetwork(ctx context.Context, start time.Time) error {
	if err := d.at(ctx, start.Add(2*time.Second)); err != nil {
		return err
	}
	d.proxies[cutOff].Cut()
	d.scr.say("⚡ Mất mạng "+cutOff+" giữa lúc đang phát; loa vẫn phát tiếp", "its network is gone while it plays; it plays on")
	if err := d.until(ctx, 10*time.Second, cutOff+" is missed", func() (bool, error) {
		v, err := get[deviceBody](ctx, d.soan, "/devices/"+cutOff)
		return v.State == "offline", err
	}); err != nil {
		return err
	}
	d.scr.say("Trung tâm thấy "+cutOff+" mất liên lạc", "the hub sees it gone")
	if err := d.at(ctx, start.Add(8*time.Second)); err != nil {
		return err
	}
	d.proxies[cutOff].Mend()
	d.scr.say("Có mạng lại cho "+cutOff, "the network is back")
	d.scr.show()
	return nil
}

// losePower kills a device's agent while it plays, and starts it again.
func (d *demo) losePower(ctx context.Context, start time.Time) error {
	if err := d.at(ctx, start.Add(powerLost)); err != nil {
		return err
	}
	d.proc(killed).kill()
	d.scr.say("⚡ Mất điện "+killed+" (SIGKILL) giữa lúc đang phát", "its power is gone while it plays")
	if err := d.at(ctx, start.Add(powerLost+1500*time.Millisecond)); err != nil {
		return err
	}
	for _, v := range devices() {
		if v.id == killed {
			if err := d.runAgent(v); err != nil {
				return err
			}
		}
	}
	d.scr.say("Có điện lại cho "+killed+": phát tiếp từ chỗ dở", "power is back: it resumes where it was")
	d.scr.show()
	return nil
}

// practise airs a drill, signed by two, that cuts a running bulletin.
func (d *demo) practise(ctx context.Context, s story) error {
	all := []string{communeID}
	d.scr.title("Diễn tập khẩn cấp", "An emergency drill")
	request, err := d.submit(ctx, d.soan, s.drill, wish{"units": all, "when": "now", "drill": true, "passes": 1})
	if err != nil {
		return err
	}
	if _, err := d.sign(ctx, s.drill, request, d.duyet1); err != nil {
		return err
	}
	signed, err := d.air(ctx, d.program, s.sent, wish{"units": all, "when": "now", "after_cut": "drop"}, d.duyet2)
	if err != nil {
		return err
	}
	start := published(signed, lead)
	d.expect(s.sent, start, all, "cut", "drill")
	if err := d.at(ctx, start.to.Add(5*time.Second)); err != nil {
		return err
	}
	d.scr.say("Đang phát «"+s.sent.sample.Title+"»; người duyệt thứ hai ký diễn tập", "while it plays, the second approver signs the drill")
	if signed, err = d.sign(ctx, s.drill, request, d.duyet2); err != nil {
		return err
	}
	d.expect(s.drill, published(signed, 0), all, "played", "")
	if err := d.until(ctx, 60*time.Second, "everything has its outcome", d.allSettled); err != nil {
		return err
	}
	d.scr.show()
	return nil
}

// show does all of it and returns the run's figures; the error is errChecks if
// something is not as it should be.
func (d *demo) show(ctx context.Context) (tally, error) {
	if err := d.found(ctx); err != nil {
		return tally{}, err
	}
	if err := d.serve(ctx); err != nil {
		return tally{}, err
	}
	if d.opt.once {
		var cancel context.CancelFunc
		ctx, cancel = context.WithDeadline(ctx, d.listens.Add(limit))
		defer cancel()
	}
	if err := d.enrol(ctx); err != nil {
		return tally{}, err
	}
	watching, stop := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		d.follow(watching)
	}()
	s, err := d.bringIn(ctx)
	if err == nil {
		err = d.play(ctx, s)
	}
	stop()
	<-done
	d.scr.leave()
	// What is known is told in any case.
	t, wrong, tellErr := d.tell(ctx, err == nil)
	if err = errors.Join(err, tellErr); err != nil {
		return t, err
	}
	if len(wrong) > 0 {
		return t, fmt.Errorf("%w:\n  %s", errChecks, strings.Join(wrong, "\n  "))
	}
	if took := time.Since(d.listens); d.opt.once && took > limit {
		return t, fmt.Errorf("%w: it took %s", errChecks, took.Round(time.Second))
	}
	return t, nil
}
