package transcode

import (
	"math"
	"strconv"
	"strings"
)

// Finding is something wrong with a recording that still can be used.
type Finding string

// The findings, worst first.
const (
	FindingClipped    Finding = "clipped"     // the microphone was overdriven
	FindingNoisy      Finding = "noisy"       // speech stands little over the noise
	FindingQuiet      Finding = "quiet"       // far below speech at arm's length
	FindingOneChannel Finding = "one channel" // one side of a stereo recording is silent
	FindingCancelled  Finding = "cancelled"   // the two sides are opposite; one was taken
)

// Message says what was found and what would help, in Vietnamese and English.
func (f Finding) Message() (vi, en string) {
	switch f {
	case FindingClipped:
		return "Tiếng bị vỡ vì nói quá gần hoặc quá to. Nên ghi lại, cách micrô một gang tay.",
			"The sound is distorted from speaking too close or too loud. Better record again, a hand's width away."
	case FindingNoisy:
		return "Bản ghi nhiều tạp âm. Nên bật lọc tạp âm, hoặc ghi lại ở nơi yên tĩnh.",
			"The recording is noisy. Switch on the repair, or record again in a quiet place."
	case FindingQuiet:
		return "Tiếng ghi quá nhỏ. Nên nghe kỹ bản đã tăng âm lượng, hoặc ghi lại gần micrô hơn.",
			"The recording is very quiet. Listen to the amplified result, or record again closer to the microphone."
	case FindingOneChannel:
		return "Chỉ một bên của bản ghi có tiếng; bên đó đã được dùng. Nên kiểm tra dây micrô.",
			"Only one side of the recording has sound; it was used. Check the microphone's cable."
	case FindingCancelled:
		return "Hai bên của bản ghi triệt tiêu nhau; chỉ dùng một bên. Nên kiểm tra dây micrô.",
			"The two sides of the recording cancel each other out; one was used. Check the microphone's cable."
	}
	return "", ""
}

// Bounds of the findings.
const (
	quietBelow   = -38.0 // LUFS; speech into a telephone is at -30 to -18
	noisyUnder   = 15.0  // dB between the mean level and the quietest 50 ms
	flatOver     = 2.0   // ffmpeg's flat factor: runs of equal samples at the peak
	overFull     = 0.5   // dBFS, beyond full scale: what a codec makes of clipping
	sidesApart   = 35.0  // dB between the channels
	cancelled    = 20.0  // dB by which the mixture is quieter than its louder side
	unmeasurable = -120.0
)

// channel is what ffmpeg's astats tells of one channel, in dBFS.
type channel struct {
	peak, rms, floor float64
	flat             float64
}

// diagnose names what is wrong with a recording, worst first.
func diagnose(m measurement, opt Options) []Finding {
	var out []Finding
	clipped, noisy := false, len(m.channels) > 0
	for _, c := range m.channels {
		clipped = clipped || c.peak > overFull || c.peak > -0.2 && c.flat > flatOver
		if c.rms > loudest(m.channels)-sidesApart && c.rms-c.floor > noisyUnder {
			noisy = false
		}
	}
	if clipped {
		out = append(out, FindingClipped)
	}
	if noisy {
		out = append(out, FindingNoisy)
	}
	if m.Integrated < quietBelow {
		out = append(out, FindingQuiet)
	}
	if len(m.channels) == 2 && math.Abs(m.channels[0].rms-m.channels[1].rms) > sidesApart {
		out = append(out, FindingOneChannel)
	} else if opt.left {
		out = append(out, FindingCancelled)
	}
	return out
}

// loudest is the level of the loudest channel, in dBFS.
func loudest(channels []channel) float64 {
	top := math.Inf(-1)
	for _, c := range channels {
		top = max(top, c.rms)
	}
	return top
}

// loudestPeak is the highest peak of any channel, in dBFS.
func loudestPeak(channels []channel) float64 {
	top := math.Inf(-1)
	for _, c := range channels {
		top = max(top, c.peak)
	}
	return top
}

// readChannels reads what ffmpeg's astats filter printed last.
func readChannels(log string) []channel {
	var out []channel
	for line := range strings.Lines(log) {
		head, rest, ok := strings.Cut(line, "] ")
		if !ok || !strings.HasPrefix(head, "[Parsed_astats") {
			continue
		}
		name, value, _ := strings.Cut(strings.TrimSpace(rest), ": ")
		if name == "Channel" {
			if value == "1" {
				out = nil
			}
			out = append(out, channel{peak: unmeasurable, rms: unmeasurable, floor: unmeasurable})
			continue
		}
		v, err := strconv.ParseFloat(value, 64)
		if err != nil || len(out) == 0 || math.IsNaN(v) {
			continue
		}
		v = max(v, unmeasurable)
		c := &out[len(out)-1]
		switch name {
		case "Peak level dB":
			c.peak = v
		case "RMS level dB":
			c.rms = v
		case "Noise floor dB":
			c.floor = v
		case "Flat factor":
			c.flat = v
		}
	}
	return out
}
