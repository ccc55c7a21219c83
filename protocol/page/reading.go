package page

import "time"

// How long people need, see Dwell.
const (
	shortestDwell   = 4 * time.Second
	findingTime     = 1500 * time.Millisecond
	lettersASecond  = 10
	passesOfReading = 2
)

// Dwell is how long a page stays: 1.5 s to find it and a second for ten letters,
// at least 4 s, and at least until its crawl has run through.
func Dwell(p Page) time.Duration {
	d := max(shortestDwell, findingTime+time.Duration(p.Letters)*time.Second/lettersASecond)
	if p.Crawl != nil {
		d = max(d, p.Crawl.Length())
	}
	return d
}

// Length is how long a set of pages takes: all of them, twice.
func Length(pages []Page) time.Duration {
	var once time.Duration
	for _, p := range pages {
		once += Dwell(p)
	}
	return passesOfReading * once
}

// Turn is one showing of one page.
type Turn struct {
	Page int           // index
	Pass int           // 0 for the first showing of the set
	Left time.Duration // until the next turn, or until the end
}

// At returns the turn that stands after elapsed; false before 0 and from Length on.
func At(pages []Page, elapsed time.Duration) (Turn, bool) {
	if elapsed < 0 {
		return Turn{}, false
	}
	for pass := range passesOfReading {
		for i, p := range pages {
			d := Dwell(p)
			if elapsed < d {
				return Turn{Page: i, Pass: pass, Left: d - elapsed}, true
			}
			elapsed -= d
		}
	}
	return Turn{}, false
}
