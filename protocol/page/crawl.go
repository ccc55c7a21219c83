package page

import (
	"image"
	"time"
)

// Crawl is one line of text that runs through a zone from right to left. It moves
// by whole pixels at whole frames, since fractions judder.
type Crawl struct {
	X, Y, W int // the zone; its height is Row
	Row     int // px
	Text    string
	Rate    int // frames a second
	Step    int // px a frame
}

// The rules of a crawl.
const (
	crawlLetters = 8                // letters a second at most, on average
	crawlVisible = 3 * time.Second  // each letter stays in the zone at least
	crawlLongest = 45 * time.Second // what needs longer is shown as pages
	smoothArea   = 160 * 1024       // px of a board up to which frames come at 60 a second
)

// newCrawl returns the crawl of a text through a zone of a board, at the highest
// speed that can be read; false if that takes too long.
func newCrawl(b Board, x, y, w, row int, text string) (Crawl, bool) {
	c := Crawl{X: x, Y: y, W: w, Row: row, Text: text}
	n := 0
	for range text {
		n++
	}
	if n == 0 {
		return Crawl{}, false
	}
	// px a second
	fastest := min(crawlLetters*atlasOf(row).width(text)/n, w/int(crawlVisible/time.Second))
	for _, rate := range []int{60, 30, 20, 15, 10, 5} {
		if rate == 60 && b.Width*b.Height > smoothArea {
			continue
		}
		if step := fastest / rate; step > 0 {
			c.Rate, c.Step = rate, step
			return c, c.Length() <= crawlLongest
		}
	}
	return Crawl{}, false
}

// Length is the time from the first pixel's coming in to the last one's leaving.
func (c Crawl) Length() time.Duration {
	frames := (c.W + c.width() + c.Step - 1) / c.Step
	return time.Duration(frames) * time.Second / time.Duration(c.Rate)
}

// width of the strip, with room for ink that reaches over.
func (c Crawl) width() int { return atlasOf(c.Row).width(c.Text) + 2*margin(c.Row) }

// Frame returns the number of the frame that stands after elapsed, from 0.
func (c Crawl) Frame(elapsed time.Duration) int {
	return int(max(0, elapsed) * time.Duration(c.Rate) / time.Second)
}

// At returns when a frame is due, from the beginning: the inverse of Frame.
func (c Crawl) At(frame int) time.Duration {
	return (time.Duration(frame)*time.Second + time.Duration(c.Rate) - 1) / time.Duration(c.Rate)
}

// Reel is a page with its crawl drawn once, to be copied frame by frame.
type Reel struct {
	page  Page
	strip *Frame
}

// NewReel draws what a page's frames are made of. A page without a crawl has one frame.
func NewReel(p Page) *Reel {
	r := &Reel{page: p}
	if c := p.Crawl; c != nil {
		r.strip = NewFrame(c.width(), c.Row)
		r.strip.text(Line{X: margin(c.Row), Row: c.Row, Text: c.Text})
	}
	return r
}

// Strip is the crawl's whole text as it runs, as high as its row; nil if nothing
// crawls. In frame n its column n*Step - W stands at the zone's left edge, and what
// is beyond its ends is dark.
func (r *Reel) Strip() *Frame { return r.strip }

// Draw draws the whole page as it stands in frame n. It allocates nothing.
func (r *Reel) Draw(f *Frame, n int) {
	f.Draw(r.page)
	r.Advance(f, n)
}

// Advance draws only the crawl's zone, as it stands in frame n, and returns it;
// the rest of f must have been drawn by Draw. It allocates nothing.
func (r *Reel) Advance(f *Frame, n int) image.Rectangle {
	c := r.page.Crawl
	if c == nil {
		return image.Rectangle{}
	}
	zone := image.Rect(c.X, c.Y, c.X+c.W, c.Y+c.Row).Intersect(image.Rect(0, 0, f.W, f.H))
	from := n*c.Step - c.W // the strip's column at the zone's left edge
	for y := zone.Min.Y; y < zone.Max.Y; y++ {
		dst := f.Pix[y*f.W+zone.Min.X : y*f.W+zone.Max.X]
		clear(dst)
		src := r.strip.Pix[(y-c.Y)*r.strip.W : (y-c.Y+1)*r.strip.W]
		if from < 0 {
			if -from < len(dst) {
				copy(dst[-from:], src)
			}
		} else if from < len(src) {
			copy(dst, src[from:])
		}
	}
	return zone
}
