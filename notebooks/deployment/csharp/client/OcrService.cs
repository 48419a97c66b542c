using System;
using System.IO;
using System.Net.Http;
using System.Net.Http.Headers;
using System.Runtime.Serialization.Json;
using System.Text;
using System.Threading.Tasks;

namespace OcrClient
{
    /// <summary>The service, seen from C#. Make one, and keep it: connections are used again.</summary>
    public sealed class OcrService : IDisposable
    {
        private const int MostBytes = 16000000; // of an answer
        private static readonly TimeSpan patience = TimeSpan.FromSeconds(60); // for an answer, or until the next try

        private readonly HttpClient http = new HttpClient { Timeout = patience, MaxResponseContentBufferSize = MostBytes };
        private readonly Uri address;
        private readonly int tries;

        /// <param name="address">Such as http://127.0.0.1:8866.</param>
        /// <param name="key">Where the service asks for one.</param>
        /// <param name="tries">How often it is asked again, when it asks for patience.</param>
        public OcrService(string address, string key = null, int tries = 5)
        {
            if (!Uri.TryCreate(address.TrimEnd('/') + "/", UriKind.Absolute, out this.address) || !this.address.Scheme.StartsWith("http"))
                throw new OcrServiceException("this is no address of a service: " + address + "; write it as http://127.0.0.1:8866");
            this.tries = tries;
            if (key != null) http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", key);
        }

        /// <summary>Sends an image, a JPEG or what else the service reads. An OcrServiceException says why there is no answer.</summary>
        /// <param name="endpoint">"ocr" or "meter".</param>
        public async Task<Result> Ask(string endpoint, byte[] image)
        {
            // base64 needs no escapes in JSON
            string body = "{\"file\": \"" + Convert.ToBase64String(image) + "\"}";
            for (int attempt = 1; ; attempt++)
                using (StringContent content = new StringContent(body, Encoding.ASCII, "application/json"))
                using (HttpResponseMessage response = await Send(endpoint, content))
                {
                    byte[] said = await response.Content.ReadAsByteArrayAsync(); // it is there already
                    Answer answer = Parse(said);
                    if (response.IsSuccessStatusCode && answer?.Result != null) return answer.Result;
                    TimeSpan? wait = Wait(response.Headers.RetryAfter);
                    if (response.IsSuccessStatusCode || wait == null || wait > patience || attempt == tries)
                        throw new OcrServiceException((int)response.StatusCode + ": " + (answer?.Message ?? Foreign(response, said)));
                    await Task.Delay(wait.Value);
                }
        }

        private async Task<HttpResponseMessage> Send(string endpoint, HttpContent content)
        {
            try
            {
                return await http.PostAsync(new Uri(address, endpoint), content);
            }
            catch (TaskCanceledException)
            {
                throw new OcrServiceException("there was no answer from " + address + " in " + patience.TotalSeconds + " seconds");
            }
            catch (Exception error) when (error is HttpRequestException || error is IOException || error is InvalidOperationException)
            {
                throw new OcrServiceException("there is no answer from " + address + " (" + error.GetBaseException().Message + ")");
            }
        }

        /// <summary>How long the service wants to be left alone; null if it does not say so.</summary>
        private static TimeSpan? Wait(RetryConditionHeaderValue header)
        {
            if (header == null) return null;
            TimeSpan wait = header.Delta ?? header.Date.Value - DateTimeOffset.Now;
            return wait < TimeSpan.Zero ? TimeSpan.Zero : wait;
        }

        /// <summary>What somebody else said who answered instead of the service: its first words.</summary>
        private static string Foreign(HttpResponseMessage response, byte[] said)
        {
            const int most = 80;
            string text = string.Join(" ", Encoding.UTF8.GetString(said, 0, Math.Min(said.Length, 4 * most))
                .Split((char[])null, StringSplitOptions.RemoveEmptyEntries));
            string words = text.Length == 0 ? "nothing" : "\"" + (text.Length > most ? text.Substring(0, most) + "..." : text) + "\"";
            return "this is not an answer of the service (" + response.ReasonPhrase + "): " + words;
        }

        private static Answer Parse(byte[] json)
        {
            try
            {
                return (Answer)new DataContractJsonSerializer(typeof(Answer)).ReadObject(new MemoryStream(json));
            }
            catch (Exception) // the parser throws many kinds; all say that this is not the JSON of the service
            {
                return null;
            }
        }

        /// <summary>Closes the connections.</summary>
        public void Dispose()
        {
            http.Dispose();
        }
    }
}
