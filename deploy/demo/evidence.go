package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"image"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"time"
)

// tell looks at everything that is left of the run, prints it, and returns the
// figures and what is wrong. With checked false only the table is printed: the
// story did not come to its end.
func (d *demo) tell(ctx context.Context, checked bool) (tally, []string, error) {
	// What is looked at is looked at even when the run was broken off.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 30*time.Second)
	defer cancel()
	lines, err := d.receipts(ctx)
	if err != nil {
		return tally{}, nil, err
	}
	answers, wrong := compare(d.list, lines)
	t := count(len(devices()), answers)
	d.scr.title("Kết quả", "Results")
	d.scr.text(d.table()...)
	if err := d.coverage(ctx); err != nil {
		return t, wrong, err
	}
	if !checked {
		return t, nil, nil
	}
	if d.opt.once { // the card writes its last frames when it ends
		d.proc("card").end()
	}
	sounds, bad := d.sounds(answers)
	wrong = append(wrong, bad...)
	pictures, bad := d.pictures(answers)
	wrong = append(wrong, bad...)
	wrong = append(wrong, d.verify(ctx, answers)...)
	d.scr.text(fmt.Sprintf("✔ %d/%d lần phát đúng như dự kiến / occurrences as expected", t.Expected-faulty(answers), t.Expected),
		fmt.Sprintf("  %d bản ghi và %d lượt bảng đã so với bản gửi đi / recordings and board plays compared with what was sent", sounds, pictures))
	if len(wrong) > 0 {
		d.scr.text(append([]string{"✘ Sai / wrong:"}, wrong...)...)
	}
	d.places()
	return t, wrong, nil
}

// faulty counts answers that are not right.
func faulty(answers []answer) int {
	n := 0
	for _, a := range answers {
		if a.line == nil || len(a.judge()) > 0 {
			n++
		}
	}
	return n
}

// coverage prints who was reached, by bulletin and village.
func (d *demo) coverage(ctx context.Context) error {
	d.scr.text("", pad("Độ phủ / coverage", 38)+"dân/people  tới/reached  theo thôn/by village")
	for _, it := range d.items {
		if it.airing == "" {
			continue
		}
		r, err := get[reachBody](ctx, d.soan, "/bulletins/"+it.body.ID+"/reach")
		if err != nil {
			return err
		}
		var by []string
		for _, v := range r.Villages {
			by = append(by, fmt.Sprintf("%s %.0f/%d", v.Name, v.Reached, v.People))
		}
		share := 0.0
		if r.People > 0 {
			share = 100 * r.Reached / float64(r.People)
		}
		d.scr.text(fmt.Sprintf("%s%10d  %5.0f %3.0f %%   %s", pad(it.sample.Title, 38), r.People, r.Reached, share, strings.Join(by, ", ")))
	}
	d.scr.text("")
	return nil
}

// find returns the story's item of a key.
func (d *demo) find(key string) *item {
	for _, it := range d.items {
		if it.key == key {
			return it
		}
	}
	return nil
}

// sounds compares every recording with what was sent. It returns how many were
// right.
func (d *demo) sounds(answers []answer) (right int, wrong []string) {
	used := map[string]bool{}
	var card []answer
	for _, a := range answers {
		if a.medium != "sound" || a.line == nil || a.line.Outcome != "played" && a.line.Outcome != "cut" {
			continue
		}
		if a.device == cardDevice() {
			card = append(card, a)
			continue
		}
		files := d.recordings(a)
		for _, f := range files {
			used[f] = true
		}
		if err := d.recorded(a, files); err != nil {
			wrong = append(wrong, fmt.Sprintf("%s: %v", a, err))
			continue
		}
		right++
	}
	all, err := filepath.Glob(d.path("*", "out", "sound", "*.wav"))
	if err != nil {
		return right, append(wrong, err.Error())
	}
	for _, f := range all {
		if !used[f] {
			wrong = append(wrong, f+": nobody expected this to sound")
		}
	}
	n, bad := d.carded(card)
	return right + n, append(wrong, bad...)
}

// cardDevice is the device with the paced sound card.
func cardDevice() string {
	for _, v := range devices() {
		if v.driver == "oto" {
			return v.id
		}
	}
	return ""
}

// recordings are a device's files of an occurrence, oldest first.
func (d *demo) recordings(a answer) []string {
	files, _ := filepath.Glob(d.path(a.device, "out", "sound", fmt.Sprintf("%s-%d-*.wav", a.line.Airing, a.line.Start.UnixMilli())))
	age := func(f string) time.Time {
		st, err := os.Stat(f)
		if err != nil {
			return time.Time{}
		}
		return st.ModTime()
	}
	sort.Slice(files, func(i, j int) bool { return age(files[i]).Before(age(files[j])) })
	return files
}

// recorded compares an occurrence's files with what was sent.
func (d *demo) recorded(a answer, files []string) error {
	it := d.find(a.bulletin)
	var heard [][]int16
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			return err
		}
		pcm, err := readWAV(b)
		if err != nil {
			return fmt.Errorf("%s: %w", f, err)
		}
		heard = append(heard, pcm)
	}
	broken := a.device == killed && it.origin == "drop"
	var gaps int
	var err error
	switch {
	case broken && len(heard) == 2:
		gaps, err = resumedIn(heard[0], heard[1], it.sent)
	case broken || len(heard) != 1:
		return fmt.Errorf("%d recordings: %w", len(heard), errSound)
	case a.line.Outcome == "cut":
		gaps, err = cutIn(heard[0], it.sent)
	default:
		_, gaps, err = playedIn(heard[0], it.sent, 0)
	}
	d.starved(a, gaps)
	return err
}

// carded compares the one recording of the sound card with all that sounded there,
// in its order.
func (d *demo) carded(answers []answer) (right int, wrong []string) {
	b, err := os.ReadFile(d.cardFile())
	if err != nil {
		return 0, []string{err.Error()}
	}
	heard, err := readWAV(b)
	if err != nil {
		return 0, []string{fmt.Sprintf("%s: %v", d.cardFile(), err)}
	}
	sort.Slice(answers, func(i, j int) bool { return began(answers[i]).Before(began(answers[j])) })
	at := 0
	for _, a := range answers {
		sent := d.find(a.bulletin).sent
		if a.line.Outcome == "cut" {
			sent = sent[:max(0, min(len(sent), int(a.line.Frames))-tail)]
		}
		end, gaps, err := playedIn(heard, sent, at)
		if err != nil {
			wrong = append(wrong, fmt.Sprintf("%s: %v", a, err))
			continue
		}
		d.starved(a, gaps)
		at = end
		right++
	}
	return right, wrong
}

// starved tells of silence that a busy machine put into a play.
func (d *demo) starved(a answer, gaps int) {
	if ms := gaps * 1000 / rate; ms > 0 {
		d.scr.text(fmt.Sprintf("! %s: hụt %d ms vì máy quá tải / silent for %d ms, for the machine was too busy", a, ms, ms))
	}
}

func began(a answer) time.Time {
	if a.line.Began == nil {
		return a.line.Start
	}
	return *a.line.Began
}

// pictures compares what boards showed with the pages. It returns how many plays
// were right.
func (d *demo) pictures(answers []answer) (right int, wrong []string) {
	for _, a := range answers {
		if a.medium != "board" || a.line == nil || a.line.Outcome != "played" || a.line.Began == nil || a.line.Ended == nil {
			continue
		}
		if err := d.pictured(a); err != nil {
			wrong = append(wrong, fmt.Sprintf("%s: %v", a, err))
			continue
		}
		right++
	}
	return right, wrong
}

func (d *demo) pictured(a answer) error {
	shown, err := readPictures(d.path(a.device, "out", "board"))
	if err != nil {
		return err
	}
	var sets [][]image.Image
	ended := *a.line.Ended
	for _, l := range d.find(a.bulletin).pages[a.device] {
		pages, err := readPages(l.pages)
		if err != nil {
			return err
		}
		sets = append(sets, pages)
		// The airing is as long as the smallest board needs; this one may be done before.
		if done := a.line.Began.Add(l.length); done.Before(ended) {
			ended = done
		}
	}
	// A picture is written just after its time, the one that follows at the end too.
	return shownAs(shown, sets, span{a.line.Began.Add(-20 * time.Millisecond), ended.Add(-200 * time.Millisecond)})
}

// readPictures reads a board's folder; a file's name begins with its instant.
func readPictures(dir string) ([]picture, error) {
	files, err := filepath.Glob(filepath.Join(dir, "2*.png"))
	if err != nil {
		return nil, err
	}
	sort.Strings(files)
	var out []picture
	for _, f := range files {
		stamp, _, _ := strings.Cut(filepath.Base(f), "-")
		at, err := time.Parse("20060102T150405.000Z", stamp)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", f, err)
		}
		b, err := os.ReadFile(f)
		if err != nil {
			return nil, err
		}
		img, err := readPNG(b)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", f, err)
		}
		out = append(out, picture{at, img})
	}
	return out, nil
}

// verified is a line of `loa-hub verify --json`.
type verified struct {
	Bulletin string `json:"bulletin"`
	Expected int    `json:"expected"`
	Played   int    `json:"played"`
	Cut      int    `json:"cut"`
	Skipped  int    `json:"skipped"`
	Unknown  int    `json:"unknown"`
	Ahead    int    `json:"ahead"`
}

// verify lets the hub's own command recompute everything from signed material,
// with the root key from outside, and compares its figures with the list.
func (d *demo) verify(ctx context.Context, answers []answer) []string {
	roots, err := filepath.Glob(d.path("root", "*"))
	if err != nil || len(roots) == 0 {
		return []string{"there is no root key to verify with"}
	}
	out, err := d.hub(ctx, "verify", "--json", "--root", roots[0])
	if err != nil {
		return []string{err.Error()}
	}
	got := map[string]verified{}
	dec := json.NewDecoder(bytes.NewReader(out))
	for dec.More() {
		var v verified
		if err := dec.Decode(&v); err != nil {
			return []string{"verify: " + err.Error()}
		}
		got[v.Bulletin] = v
	}
	var wrong []string
	for _, it := range d.items {
		v := got[it.body.ID]
		if w := figures(it.key, answers); v.Played != w.Played || v.Cut != w.Cut || v.Skipped != w.Skipped || v.Unknown != w.Unknown {
			wrong = append(wrong, fmt.Sprintf("%s: verify counts %+v, the list %+v", it.key, v, w))
		}
	}
	if len(wrong) == 0 {
		d.scr.text(fmt.Sprintf("✔ loa-hub verify: %d bản tin khớp với chữ ký / bulletins follow from what was signed", len(d.items)))
	}
	return wrong
}

// figures counts what the list wants of one bulletin.
func figures(key string, answers []answer) verified {
	var v verified
	for _, a := range answers {
		if a.bulletin != key {
			continue
		}
		v.Expected++
		switch a.outcome {
		case "played":
			v.Played++
		case "cut":
			v.Cut++
		case "skipped":
			v.Skipped++
		}
	}
	return v
}

// places says where everything is.
func (d *demo) places() {
	lines := []string{"", "Tiếng đã phát / sound: " + d.cardFile() + " (" + cardDevice() + ")"}
	for _, v := range devices() {
		if v.driver == "wav" {
			lines = append(lines, "  "+d.path(v.id, "out", "sound"))
		}
	}
	lines = append(lines, "Ảnh bảng / board pictures:")
	for _, v := range devices() {
		if v.board != nil {
			lines = append(lines, "  "+d.path(v.id, "out", "board"))
		}
	}
	lines = append(lines, "Nhật ký / logs: "+d.logs(), "")
	if !d.opt.once {
		lines = append(lines, fmt.Sprintf("Trang quản trị / console: http://127.0.0.1:%d", d.ports.console))
		for _, p := range append(people(), admin()) {
			lines = append(lines, fmt.Sprintf("  %-8s  %s  (%s)", p.id, p.password, p.name))
		}
		lines = append(lines, "", "Hệ thống vẫn chạy; bấm Ctrl-C để dừng. / Everything keeps running; Ctrl-C ends it.", "")
	}
	d.scr.text(lines...)
}
