import com.fasterxml.jackson.annotation.JsonInclude
import com.fasterxml.jackson.databind.ObjectMapper
import com.fasterxml.jackson.databind.SerializationFeature
import com.fasterxml.jackson.datatype.jsr310.JavaTimeModule
import contactbook.models.CreateContactInput
import contactbook.models.WholeContactOutput
import java.time.LocalDate

// Writes the body of createContact with the generated Kotlin class; then reads the answer: Bodies BIRTHDAY.
fun main(args: Array<String>) {
    val json = ObjectMapper() // as in the generated Serializer.kt, without Jackson's Kotlin module
        .registerModule(JavaTimeModule())
        .setSerializationInclusion(JsonInclude.Include.NON_ABSENT)
        .disable(SerializationFeature.WRITE_DATES_AS_TIMESTAMPS)
    val input = CreateContactInput(fullname = "Zoë", phone = "+48 22 123 45 67", birthday = LocalDate.parse(args[0]))
    println(json.writeValueAsString(input))
    val answer = json.readValue(readLine(), WholeContactOutput::class.java)
    println("${answer.fullname} ${answer.phoneNumber} ${answer.birthday}")
}
