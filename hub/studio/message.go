package studio

import (
	"context"
	"errors"
	"fmt"
	"io/fs"

	"github.com/loa-vn/loa/hub/studio/normalise"
	"github.com/loa-vn/loa/hub/studio/speech"
	"github.com/loa-vn/loa/hub/studio/transcode"
)

// advice is what to do about an error.
type advice struct {
	err    error
	vi, en string
}

func advices() []advice {
	return []advice{
		{
			normalise.ErrEmpty, "Chưa có nội dung. Hãy nhập nội dung bản tin rồi thử lại.",
			"There is no text yet. Write the bulletin and try again.",
		},
		{
			normalise.ErrOnlySpace, "Nội dung chỉ có khoảng trắng. Hãy nhập nội dung bản tin rồi thử lại.",
			"The text has only spaces. Write the bulletin and try again.",
		},
		{
			normalise.ErrNothingRead, "Nội dung không có chữ nào để đọc. Hãy viết bằng chữ và số.",
			"The text has no words to read. Write letters and digits.",
		},
		{
			normalise.ErrTooLong, "Nội dung dài quá 10.000 ký tự. Hãy rút gọn hoặc tách thành nhiều bản tin.",
			"The text is over 10,000 characters. Shorten it or split it into several bulletins.",
		},
		{
			normalise.ErrEncoding, "Nội dung không phải chữ Unicode. Hãy chép lại từ tệp gốc bằng bảng mã Unicode.",
			"The text is not Unicode. Copy it again from its source as Unicode.",
		},
		{
			normalise.ErrLoneMark, "Có dấu thanh đứng một mình, không kèm chữ cái. Hãy gõ lại chữ ở chỗ được đánh dấu.",
			"There is a tone mark without a letter. Type the word again at the place shown.",
		},
		{
			normalise.ErrControl, "Có ký tự điều khiển lạ trong nội dung. Hãy xoá và gõ lại chỗ được đánh dấu.",
			"There is a control character in the text. Delete it and type the place shown again.",
		},
		{
			normalise.ErrDirection, "Có ký tự đảo chiều chữ viết. Hãy xoá và gõ lại chỗ được đánh dấu.",
			"There is a character that reverses the direction of writing. Delete it and type the place shown again.",
		},
		{
			ErrRepeat, "Số lần đọc lại phải từ 1 đến 5. Hãy chọn lại.",
			"A text may be said 1 to 5 times. Choose again.",
		},
		{
			ErrPause, "Khoảng nghỉ giữa các câu phải từ 0 đến 3 giây. Hãy chọn lại.",
			"The pause after a sentence is 0 to 3 seconds. Choose again.",
		},
		{
			speech.ErrVoice, "Máy chủ không có giọng đọc này. Hãy chọn giọng khác.",
			"The server does not have this voice. Choose another one.",
		},
		{
			speech.ErrRate, "Tốc độ đọc phải từ 0,5 đến 2 lần. Hãy chọn lại.",
			"The pace must be 0.5 to 2 times normal. Choose again.",
		},
		{
			speech.ErrEngineMissing, "Máy chủ chưa cài bộ đọc. Hãy báo kỹ thuật viên cài espeak-ng, hoặc tải tệp ghi âm lên.",
			"The speech engine is not installed. Ask the technician to install espeak-ng, or upload a recording.",
		},
		{
			speech.ErrEngineTimeout, "Bộ đọc chạy quá lâu nên đã dừng. Hãy thử lại; nếu vẫn vậy, tải tệp ghi âm lên.",
			"The speech engine took too long and was stopped. Try again; if it persists, upload a recording.",
		},
		{
			speech.ErrEngineFailed, "Bộ đọc gặp lỗi. Hãy thử lại hoặc chọn giọng khác; nếu vẫn vậy, báo kỹ thuật viên.",
			"The speech engine failed. Try again or choose another voice; if it persists, tell the technician.",
		},
		{
			transcode.ErrEmpty, "Tệp rỗng, không có dữ liệu. Hãy chọn lại tệp hoặc ghi âm lại.",
			"The file is empty. Choose the file again or record again.",
		},
		{
			transcode.ErrNoSound, "Tệp này không phải ghi âm hoặc không có âm thanh. Hãy chọn tệp ghi âm khác (m4a, mp3, amr, wav ...).",
			"This file is no recording or has no sound. Choose another recording (m4a, mp3, amr, wav ...).",
		},
		{
			transcode.ErrDamaged, "Tệp bị hỏng hoặc bị cắt dở. Hãy tải lại từ máy đã ghi, hoặc ghi âm lại.",
			"The file is damaged or cut off. Upload it again from the device that recorded it, or record again.",
		},
		{
			transcode.ErrTooLong, "Bản ghi dài quá mức cho phép. Hãy cắt ngắn hoặc tách thành nhiều bản tin.",
			"The recording is too long. Trim it or split it into several bulletins.",
		},
		{
			transcode.ErrTooShort, "Bản ghi ngắn hơn nửa giây. Hãy ghi âm lại, giữ nút ghi đến khi nói xong.",
			"The recording is shorter than half a second. Record again, holding on until you have finished.",
		},
		{
			transcode.ErrTooLarge, "Tệp quá lớn. Hãy ghi âm lại ở chất lượng thấp hơn hoặc tách thành nhiều phần.",
			"The file is too large. Record at a lower quality or split it into parts.",
		},
		{
			transcode.ErrTooMany, "Tệp có quá nhiều kênh hoặc luồng âm thanh. Hãy xuất lại một luồng, một hoặc hai kênh.",
			"The file has too many channels or streams. Export one stream with one or two channels.",
		},
		{
			transcode.ErrSilence, "Bản ghi không có tiếng. Hãy kiểm tra micrô rồi ghi âm lại.",
			"The recording is silent. Check the microphone and record again.",
		},
		{
			transcode.ErrLoudness, "Không đưa được bản ghi về mức âm lượng an toàn. Hãy ghi âm lại gần micrô hơn.",
			"The recording can't be brought to a safe loudness. Record again closer to the microphone.",
		},
		{
			transcode.ErrTrim, "Đoạn cắt không có âm thanh. Hãy chọn lại điểm đầu và điểm cuối.",
			"There is no sound between the ends of the trim. Choose its beginning and end again.",
		},
		{
			transcode.ErrFFmpegMissing, "Máy chủ chưa cài ffmpeg nên chưa xử lý được âm thanh. Hãy báo kỹ thuật viên cài ffmpeg.",
			"ffmpeg is not installed, so sound can't be processed. Ask the technician to install ffmpeg.",
		},
		{
			transcode.ErrFFmpegTimeout, "Xử lý âm thanh quá lâu nên đã dừng. Hãy thử lại với bản ghi ngắn hơn.",
			"Processing took too long and was stopped. Try again with a shorter recording.",
		},
		{
			transcode.ErrFFmpegFailed, "Xử lý âm thanh gặp lỗi. Hãy thử lại; nếu vẫn vậy, báo kỹ thuật viên kiểm tra máy chủ.",
			"Processing the sound failed. Try again; if it persists, ask the technician to check the server.",
		},
		{
			fs.ErrNotExist, "Không còn tệp này trên máy chủ. Hãy tải tệp lên lại.",
			"The file is no longer on the server. Upload it again.",
		},
		{
			context.Canceled, "Đã huỷ theo yêu cầu. Hãy bắt đầu lại khi cần.",
			"Cancelled as asked. Start again when needed.",
		},
		{
			context.DeadlineExceeded, "Hết thời gian chờ. Hãy thử lại.",
			"Out of time. Try again.",
		},
	}
}

// Message returns what to tell the person whose job ended with err, in
// Vietnamese and in English: what is wrong and what to do. It never gives the
// cause's text. It returns a general sentence for an error it does not know, and
// two empty strings for nil.
func Message(err error) (vi, en string) {
	if err == nil {
		return "", ""
	}
	if long := (*transcode.LimitError)(nil); errors.As(err, &long) {
		n := max(1, int(long.Limit.Minutes()))
		return fmt.Sprintf("Bản ghi (tính cả phần phát lại) dài quá %d phút. Hãy cắt ngắn hoặc tách thành nhiều bản tin.", n),
			fmt.Sprintf("The recording, repeats included, is over %d minutes. Trim it or split it into several bulletins.", n)
	}
	for _, a := range advices() {
		if errors.Is(err, a.err) {
			return a.vi, a.en
		}
	}
	return "Máy chủ gặp lỗi khi xử lý âm thanh. Hãy thử lại; nếu vẫn vậy, báo kỹ thuật viên.",
		"The server failed to process the sound. Try again; if it persists, tell the technician."
}
