# Asks each URL by Net::HTTP. What comes of it is seen at the other end.
require "net/http"
require "openssl"

ARGV.each do |url|
  uri = URI(url)
  http = Net::HTTP.new(uri.hostname, uri.port)
  http.open_timeout = http.read_timeout = 20
  http.max_retries = 0
  http.use_ssl = uri.scheme == "https"
  http.verify_mode = OpenSSL::SSL::VERIFY_NONE
  http.get(uri.request_uri)
rescue StandardError => error
  warn "#{url} #{error.inspect}"
end
