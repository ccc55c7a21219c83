package playout_test

import (
	"image"
	"testing"
	"testing/synctest"
	"time"

	"github.com/loa-vn/loa/agent/display"
	"github.com/loa-vn/loa/agent/playout"
	"github.com/loa-vn/loa/protocol"
	"github.com/loa-vn/loa/protocol/page"
)

// The board of the tests with parts: bulletins on the left, the clock beside them, a
// ticker of one row below.
var (
	wholeBoard = page.Board{Width: 384, Height: 96, Row: 16}
	mainPart   = page.Board{Width: 256, Height: 80, Row: 16}
	tickerPart = page.Board{Width: 384, Height: 16, Row: 16}
)

// parts opens a board with parts; its ticker is what the second one is for.
func parts(t *testing.T, memory playout.Memory) (*panel, *playout.Screen, playout.Output) {
	t.Helper()
	p := newPanel(t, wholeBoard)
	ticker := playout.ScreenZone{Name: protocol.ZoneTicker, Zone: 1, Size: tickerPart}
	s := screen(t,
		playout.ScreenConfig{Size: mainPart, Whole: wholeBoard, Zones: []playout.ScreenZone{ticker}, Memory: memory},
		display.Config{Output: p, Main: image.Rect(0, 0, mainPart.Width, mainPart.Height), Sides: []display.Side{{At: image.Rect(0, 80, 384, 96)}}})
	return p, s, s.Zone(ticker)
}

// ends gathers the last words of an output.
func ends(o playout.Output) *[]playout.Event {
	var got []playout.Event
	go func() {
		for e := range o.Events() {
			if e.Kind == playout.Ended {
				got = append(got, e)
			}
		}
	}()
	return &got
}

// onTicker is a short text for the ticker.
func onTicker(t *testing.T) (playout.Job, []page.Page) {
	t.Helper()
	job := boardJob(protocol.ClassNormal, false)
	job.ID, job.Airing.ID, job.Airing.BoardZone = "t-1", "t", protocol.ZoneTicker
	job.Bulletin.Title, job.Bulletin.Board = "Họp", &protocol.Board{Text: "Họp 19:30", Layout: "notice", LayoutVersion: page.Version, Zone: protocol.ZoneTicker}
	pages, err := playout.Pages(tickerPart, job, nil)
	if err != nil {
		t.Fatal(err)
	}
	job.Begin, job.Length = time.Now(), page.Length(pages)
	return job, pages
}

// TestPartsOfABoardShowTheirOwn: a text for the ticker stands there whatever stands
// where bulletins do, each proves its own pixels, and cutting one leaves the other.
func TestPartsOfABoardShowTheirOwn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, s, ticker := parts(t, nil)
		defer s.Close()
		main, side := ends(s), ends(ticker)
		body := boardJob(protocol.ClassNormal, false)
		body.Begin = time.Now()
		pages, err := playout.Pages(mainPart, body, nil)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Begin(body); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		job, text := onTicker(t)
		if err := ticker.Begin(job); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		if !p.part(image.Rect(0, 0, 256, 80), pages) || !p.part(image.Rect(0, 80, 384, 96), text) {
			t.Error("both do not stand beside each other")
		}
		s.Cut(body.ID)
		time.Sleep(job.Length)
		synctest.Wait()
		if len(*main) != 1 || (*main)[0].Whole || len(*side) != 1 || !(*side)[0].Whole || (*side)[0].Job != job.ID {
			t.Fatalf("bulletin %+v, ticker %+v", *main, *side)
		}
		if got := (*side)[0].Pixels; len(got) != 2*len(text) || got[0] != text[0].Digest() {
			t.Errorf("the ticker proves %v", got)
		}
	})
}

// TestAnEmergencyTakesTheWholeBoardAndMakesRoomBetweenItsPasses: its pass covers every
// part; while it stands after that, a text in a part is seen, the emergency beside it,
// and then the whole board again. The same goes for the word that it is over.
func TestAnEmergencyTakesTheWholeBoardAndMakesRoomBetweenItsPasses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, s, ticker := parts(t, nil)
		defer s.Close()
		ends(s)
		side := ends(ticker)
		alarm := boardJob(protocol.ClassEmergency, false)
		alarm.Begin, alarm.Until = time.Now(), time.Now().Add(2*time.Hour)
		whole, err := playout.Pages(wholeBoard, alarm, nil)
		if err != nil {
			t.Fatal(err)
		}
		beside, err := playout.Pages(mainPart, alarm, nil)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Begin(alarm); err != nil {
			t.Fatal(err)
		}
		time.Sleep(alarm.Length + time.Second)
		if !p.shows(whole) {
			t.Error("it does not stand on the whole board")
		}
		job, text := onTicker(t)
		if err := ticker.Begin(job); err != nil {
			t.Fatal(err)
		}
		time.Sleep(2 * time.Second)
		if !p.part(image.Rect(0, 0, 256, 80), beside) || !p.part(image.Rect(0, 80, 384, 96), text) {
			t.Error("beside a text in a part it does not stand where bulletins do")
		}
		time.Sleep(job.Length)
		if !p.shows(whole) {
			t.Error("it does not take the whole board again")
		}
		if len(*side) != 1 || !(*side)[0].Whole {
			t.Errorf("ticker %+v", *side)
		}
		s.Over(alarm.Airing.ID)
		over, err := page.Over(wholeBoard, alarm.Bulletin.Title, false)
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		if !p.shows(over) {
			t.Error("it is not said to be over on the whole board")
		}
		if job, text = onTicker(t); ticker.Begin(job) != nil {
			t.Fatal("not begun")
		}
		time.Sleep(2 * time.Second)
		if over, err = page.Over(mainPart, alarm.Bulletin.Title, false); err != nil {
			t.Fatal(err)
		}
		if !p.part(image.Rect(0, 0, 256, 80), over) || !p.part(image.Rect(0, 80, 384, 96), text) {
			t.Error("that it is over is not said beside the text")
		}
	})
}

// TestOfSeveralEmergenciesEachStandsUntilItsEnd: the one that began last is seen; when
// it is over, or somebody ends it, the other one stands again.
func TestOfSeveralEmergenciesEachStandsUntilItsEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		kept := &memory{}
		p, s, _ := parts(t, kept)
		ends(s)
		begin := func(id protocol.AiringID, title string, valid time.Duration) []page.Page {
			j := boardJob(protocol.ClassEmergency, false)
			j.ID, j.Airing.ID, j.Bulletin.Title = string(id)+"-1", id, title
			j.Begin, j.Until = time.Now(), time.Now().Add(valid)
			pages, err := playout.Pages(wholeBoard, j, nil)
			if err != nil {
				t.Fatal(err)
			}
			if err := s.Begin(j); err != nil {
				t.Fatal(err)
			}
			time.Sleep(j.Length + time.Second)
			return pages
		}
		flood := begin("lu", "Lũ lên nhanh", 3*time.Hour)
		storm := begin("bao", "Bão", time.Hour)
		fire := begin("chay", "Cháy rừng", 3*time.Hour)
		if !p.shows(fire) {
			t.Error("the last one does not stand")
		}
		if id, ok := s.Clear(); !ok || id != "chay" {
			t.Errorf("the key ended %q", id)
		}
		time.Sleep(time.Second)
		if !p.shows(storm) {
			t.Error("the one before does not stand again")
		}
		time.Sleep(time.Hour)
		if !p.shows(flood) {
			t.Error("the first one does not stand when the second is over")
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		p, s, _ = parts(t, kept)
		defer s.Close()
		ends(s)
		time.Sleep(time.Second)
		if !p.shows(flood) {
			t.Error("it does not stand again after a restart")
		}
	})
}

// TestAPictureComesBackAfterARestart: however large its pages are, what is kept is what
// they are laid out from; and a part of the board gets back what stood there.
func TestAPictureComesBackAfterARestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		size := page.Board{Width: 1920, Height: 1080, Row: 96}
		pixels := make([]uint8, protocol.MaxPictureW*protocol.MaxPictureH)
		for i := range pixels {
			pixels[i] = uint8(i * i)
		}
		picture := page.Picture{W: protocol.MaxPictureW, H: protocol.MaxPictureH, Pix: pixels}
		file, err := picture.File()
		if err != nil {
			t.Fatal(err)
		}
		kept := &memory{}
		open := func() (*panel, *playout.Screen) {
			p := newPanel(t, size)
			read := func(protocol.Digest) ([]byte, error) { return file, nil }
			s := screen(t, playout.ScreenConfig{Size: size, Memory: kept, Picture: read}, display.Config{Output: p})
			ends(s)
			return p, s
		}
		_, s := open()
		job := boardJob(protocol.ClassNormal, false)
		job.Begin, job.Bulletin.Board.Layout, job.Bulletin.Board.Picture = time.Now(), protocol.LayoutPicture, &protocol.Picture{}
		pages, err := playout.Pages(size, job, &picture)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Begin(job); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		if len(kept.b) > 64<<10 {
			t.Errorf("%d bytes are kept", len(kept.b))
		}
		p, s := open()
		defer s.Close()
		if time.Sleep(time.Second); !p.shows(pages) {
			t.Error("a second after the start the picture is not back")
		}
	})
	synctest.Test(t, func(t *testing.T) {
		kept := &memory{}
		_, s, ticker := parts(t, kept)
		ends(s)
		ends(ticker)
		job, text := onTicker(t)
		if err := ticker.Begin(job); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		p, s, ticker := parts(t, kept)
		defer s.Close()
		ends(s)
		side := ends(ticker)
		if time.Sleep(time.Second); !p.part(image.Rect(0, 80, 384, 96), text) {
			t.Error("the ticker's text is not back")
		}
		if time.Sleep(time.Minute); p.part(image.Rect(0, 80, 384, 96), text) || len(*side) != 0 {
			t.Error("it stands for good, or is answered for")
		}
	})
}
